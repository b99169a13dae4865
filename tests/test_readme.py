"""The README's Python examples run as they stand."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_example_runs(block):
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert "tx" in names


def test_it_is_short():
    assert len(README.splitlines()) < 150
