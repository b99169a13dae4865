"""The settings of SMES that the advice names are those of the study's page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_validation_preferred_at_each_exponent_is_told():
    page = (ROOT / "results" / "smes.md").read_text("utf-8")
    (table,) = re.findall(r"^\| α +\| rate, in Adam's units.*\n\|.*\n((?:\|.*\n)+)", page, re.M)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    measured = {float(row[0]): (float(row[5]), float(row[6])) for row in rows}
    advice = (ROOT / "docs" / "settings.md").read_text("utf-8")
    told = re.findall(r"`smes\(([\d.e-]+), ([\d.]+), eps=([\d.e-]+)\)`", advice)
    assert {float(alpha): (float(rate), float(eps)) for rate, alpha, eps in told} == measured
    (size,) = {row[7] for row in rows}
    assert f"with gradients of size {float(size):.2e}".replace("e-04", "e-4") in advice
