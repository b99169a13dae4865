"""The pages' Python examples run as they stand, and print what stands below them."""

import contextlib
import importlib
import io
import re
import sys

import pytest
from pages import DOCS, blocks


@pytest.mark.parametrize("page", [p for p in DOCS if blocks(p)], ids=lambda page: page.stem)
def test_the_examples_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page.stem}
    for code, output in blocks(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), names)
        assert printed.getvalue() == output, f"line {code.count(chr(10))} of {page.name}"


def test_no_example_escapes():
    """A fence of another form would not be found, and so never run."""
    for page in DOCS:
        text = page.read_text(encoding="utf-8")
        assert len(re.findall(r"^\s*[`~:]{3,}\s*\{?(code-block\}? )?python", text, re.M)) == len(
            blocks(page)
        ), page.name


def test_the_benchmark_takes_the_optimizer_network_and_data_of_its_page(tmp_path, monkeypatch):
    """The page's own module, as a reader would save it, found by its import path."""
    from experiments import datasets, networks, optimizers

    page = next(page for page in DOCS if page.stem == "benchmark")
    (tmp_path / "mine.py").write_text("\n".join(code for code, _ in blocks(page)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    try:
        mine = optimizers.resolve("mine:sharp:b1=0.95")
        mine.check()
        assert [one.name for one in mine.space.ranges] == ["sharpness"]
        late = optimizers.resolve("mine:late_decay")
        late.check()
        assert [one.name for one in late.space.ranges] == ["decay"]
        assert networks.resolve("mine:linear").note == "One layer"
        assert datasets.load(str(tmp_path / "mine.npz")).images.shape[1:] == (32, 32, 1)
    finally:
        sys.modules.pop("mine", None)
