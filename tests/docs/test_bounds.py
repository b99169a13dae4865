"""The bounds that docs/fair.md prints are those that optimizers are tuned between."""

import re

from pages import ROOT

from experiments.optimizers.bounds import ROLES
from experiments.optimizers.lookup import resolve
from experiments.optimizers.spaces import in_units_of
from experiments.protocols.fair import constants


def _row(name: str) -> list[str]:
    space = resolve(name).space
    if name == "smes":  # the study never tunes its sets between the bounds as they stand there
        space = in_units_of(space, 1.0)
    ranges = {one.name: f"{one.low:g} to {one.high:g}" for one in space.ranges}
    roles = [next((ranges[n] for n in names if n in ranges), "–") for names in ROLES]
    return [f"{space.learning_rate:.3g}", *roles]


def test_the_bounds_of_every_tuned_optimizer_are_printed():
    numbers = constants.protocol()
    page = (ROOT / "docs" / "fair.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| | default rate |")
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (.*) \|$", table.partition("\n\n")[0], re.M)
    printed = {name: cells.split(" | ") for name, cells in rows}
    tuned = [name for name in numbers["optimizers"] if name not in numbers["default_only"]]
    assert printed == {name: _row(name) for name in tuned}
