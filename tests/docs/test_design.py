"""The map that the design page and CONTRIBUTING.md draw is the one that the imports follow."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BELOW = {("protocols", "reports", "paper")}  # the paper's tables stand with its protocol


def imported(file: Path) -> set[str]:
    """The packages and modules of `experiments` that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "experiments":
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            found |= {name[1] for name in names if name[0] == "experiments" and len(name) > 1}
    return found


@pytest.mark.parametrize("page", ["docs/design.md", "CONTRIBUTING.md"])
def test_no_package_imports_from_one_further_down_the_table(page):
    order = re.findall(r"^\| `(\w+)/` \|", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "experiments").glob("*/__init__.py")}
    assert set(order) == packages
    for at, package in enumerate(order):
        for file in (ROOT / "experiments" / package).rglob("*.py"):
            for other in imported(file) & set(order[at + 1 :]):
                assert (package, other, file.parent.name) in BELOW, f"{file} imports {other}"
