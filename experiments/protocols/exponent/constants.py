"""The exponent study's numbers: those of `exponent.json`, and what it shares with the fair one."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.files import JsonObject
from experiments.protocols.fair import constants as fair

WORDS = ("description", "arms", "alphas", "questions", "gradient_sizes", "budgets")
"""What of `exponent.json` decides which runs there are and what is asked, and not how one goes."""

SHARED = ("limit", "margins", "regimes")
"""What is the fair protocol's."""


@functools.cache
def protocol() -> JsonObject:
    """The content of `exponent.json`."""
    return json.loads((Path(__file__).parent / "exponent.json").read_text(encoding="utf-8"))


def recorded_gradient_size(dataset: str, sparsity: float) -> float:
    """The size s of a data set's gradients, as `gradient_sizes` measures it.

    Args:
        dataset: its name in records.
        sparsity: share of the pixels set to 0.

    Raises:
        ValueError: it has not been measured.
    """
    plain, sparse = fair.protocol()["gradient_sizes"], protocol()["gradient_sizes"]
    known = None if sparsity else plain.get(dataset)
    found = sparse.get(dataset, {}).get(f"{sparsity:g}", known)
    if found is None:
        raise ValueError(
            f"the exponent protocol states rates in units of the gradients' size, and that of "
            f"{dataset} is not known: python -m experiments.protocols.exponent.gradient_sizes "
            f"measures it, for exponent.json; known are {', '.join(plain)}"
        )
    return found


def content_hash(candidates: Sequence[Mapping[str, float]]) -> str:
    """First 16 hex digits of a sha256 over what all runs of an arm have in common.

    That is the candidates, which hold the rates, eps and the gradients' size, and every number of
    `exponent.json` and `SHARED` that is not among `WORDS`. How many seeds there are, which sets are
    sparse, and what is asked, is not in it: it adds or leaves out runs, or comparisons of them, and
    changes none.

    Args:
        candidates: the configurations that the arm is tuned over.
    """
    return fair.hash_of_shared(protocol(), WORDS, SHARED, candidates)
