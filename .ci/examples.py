"""Writes the examples of README and docstrings into a folder, as modules for the type checker."""

import doctest
import importlib
import pkgutil
import re
import shutil
import sys
from pathlib import Path

import thermolion_optax


def readme():
    text = Path("README.md").read_text("utf-8")
    yield "README", "\n\n".join(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S))


def docstrings():
    for found in pkgutil.iter_modules(thermolion_optax.__path__):
        module = importlib.import_module(f"thermolion_optax.{found.name}")
        for test in doctest.DocTestFinder().find(module):
            if test.examples:
                yield test.name.replace(".", "_"), "".join(one.source for one in test.examples)


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = 0
    for name, source in [*readme(), *docstrings()]:
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        count += 1
    print(f"{count} examples are in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
