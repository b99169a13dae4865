"""The ablation study's numbers: those of `ablation.json`, and what it shares with the fair one."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.files import JsonObject
from experiments.protocols.fair import constants as fair

WORDS = ("description", "arms", "centres", "derived", "questions", "up", "down")
"""What of `ablation.json` decides no run of an arm."""

SHARED = ("limit", "margins", "regimes", "readings")
"""What is the fair protocol's."""


@functools.cache
def protocol() -> JsonObject:
    """The content of `ablation.json`."""
    return json.loads((Path(__file__).parent / "ablation.json").read_text(encoding="utf-8"))


def content_hash(candidates: Sequence[Mapping[str, float]]) -> str:
    """First 16 hex digits of a sha256 over all that decides an arm's runs and verdicts.

    A further arm or question changes no run that was made.

    Args:
        candidates: the configurations that the arm is tuned over.
    """
    return fair.hash_of_shared(protocol(), WORDS, SHARED, candidates)
