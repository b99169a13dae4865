"""Prints the lower bound of every declared dependency as an exact pin, for a test job.

    python .ci/lowest.py [EXTRA …]

Reads pyproject.toml: the library's own dependencies and those of the extras, through
extras that name other extras.
"""

import re
import sys
import tomllib
from pathlib import Path


def pins(extras):
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    name, optional = project["name"], project["optional-dependencies"]
    queue = [*project["dependencies"], *(d for e in extras for d in optional[e])]
    found = set()
    while queue:
        requirement = queue.pop()
        if requirement.startswith(f"{name}["):
            inner = requirement[len(name) + 1 : requirement.index("]")]
            queue += [d for e in inner.split(",") for d in optional[e.strip()]]
            continue
        match = re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:,[^;]*)?(;.*)?", requirement)
        if match is None:
            raise SystemExit(f"pyproject.toml: {requirement!r} has no lower bound")
        found.add(f"{match[1]}=={match[2]}{match[3] or ''}")
    return sorted(found)


if __name__ == "__main__":
    print("\n".join(pins(sys.argv[1:])))
