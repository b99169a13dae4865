"""Writes the examples of documents and docstrings as modules, for the type checker.

    python .ci/examples.py FOLDER

One file a document (its Python blocks one after another) and one a docstring.
"""

import doctest
import importlib
import pkgutil
import re
import shutil
import sys
from pathlib import Path

import thermolion_optax


def documents():
    for path in [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]:
        blocks = re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
        if blocks:
            yield "_".join(path.with_suffix("").parts), "\n\n".join(blocks)


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
    for name, source in [*documents(), *docstrings()]:
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        count += 1
    print(f"{count} examples are in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
