"""What docs/fair.md says of the intervals' degrees of freedom, and of a study's time, is so."""

import dataclasses
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from scipy import stats
from told import text

from experiments import records
from experiments.analysis import difference, final_differences, paired, verdicts
from experiments.reports import report
from experiments.reports.exponent import claims

ROOT = Path(__file__).parents[2]
STUDIES = ("fair", "ablation", "label_noise")
EXPONENT = ROOT / "results" / "smes" / "exponent"


def _with_seeds_alone(by_seed, images, level):
    """The interval at S - 1 degrees of freedom, whatever the images add."""
    found = difference.with_interval(by_seed, images, level)
    if found.half is None:
        return found
    df = len(by_seed) - 1
    error = math.hypot(found.seed_error, found.image_error or 0.0)
    return dataclasses.replace(found, df=df, half=float(stats.t.ppf(0.5 + level / 2, df)) * error)


def _cases():
    """Of verdicts over sets their words, of those on single sets and cells their cases."""
    over, single = {}, {}
    for study in STUDIES:
        (section,) = report.build(ROOT / "results" / study).sections
        for line in section.verdicts:
            said = re.match(r"(.*held-out accuracy)(?:: over \d sets,|:)? (.*?): [+-]", line)
            if said:
                over[said[1]] = said[2].partition(" (")[0].partition(",")[0]
        for table in section.tables:
            for place, row in enumerate(table.data):
                case = row.get("held_out_case") or row.get("case")
                if case and row.get("dataset") != "all":
                    where = str(row.get("dataset")), str(row.get("regime"))
                    named = str(row.get("arm") or row.get("optimizer") or row.get("second"))
                    single[(study, table.key, table.title, place, *where, named)] = case
    return over, single


def test_which_verdicts_hang_on_the_degrees_of_freedom_is_told(monkeypatch):
    before, single = _cases()
    monkeypatch.setattr(paired, "with_interval", _with_seeds_alone)
    after, singly = _cases()
    assert before.keys() == after.keys()
    assert len(before) == 10 + 4 + 30 + 6  # the 4 are the transformer's, of one set
    changed = {line: (before[line], after[line]) for line in before if before[line] != after[line]}
    page = text("docs/fair.md")
    assert f"{len(changed)} of the verdicts over sets would read otherwise" in page
    named = {
        "regime A: Direction or length? ThermoLion against ThermoLion's direction, Adam's": (
            "better",
            "undecided",
        ),
        "regime B: Direction or length? ThermoLion against AdamW, ": ("better", "undecided"),
        "regime A: What does the solid phase's factor of 2 bring? ": ("worse", "undecided"),
        "regime A: Does the gate know something of its own parameter? ThermoLion against λ the": (
            "mixed",
            "better",
        ),
    }
    for words, both in named.items():
        (line,) = (one for one in changed if words in one)
        assert changed.pop(line) == both
    ((line, (_, last)),) = changed.items()
    assert "batch 128" in line
    assert "over Signum" in line
    assert last == "is undecided"
    others = {key: (single[key], singly[key]) for key in single if single[key] != singly[key]}
    assert f"single sets or cells {len(others)} would" in page
    signs = Counter(
        (key[5], key[6]) for key, both in others.items() if both == ("better", "undecided")
    )
    assert {("A", "thermolion:gate=1"), ("B", "adamw")} <= set(signs)


def _zero_is_chance(records):
    """As a train loss of 0 counted at first."""
    return {
        one.seed: math.log(one.data.classes)
        if one.status != "ok" or not one.train_loss[-1]
        else one.train_loss[-1]
        for one in records
    }


def _cases_of_train_loss():
    found = {}
    for study in STUDIES:
        for section in report.build(ROOT / "results" / study).sections:
            found |= {(study, place): line for place, line in enumerate(section.verdicts)}
            for table in section.tables:
                for place, row in enumerate(table.data):
                    where = str(row.get("regime")), str(row.get("setting")), str(row.get("dataset"))
                    other = str(row.get("second"))
                    for name, value in row.items():
                        if name.endswith("case"):
                            found[(study, table.title, place, name, *where, other)] = value
    return found


def test_which_verdicts_the_later_rules_of_train_loss_changed_is_told(monkeypatch):
    now = _cases_of_train_loss()
    assert len(now) > 300
    monkeypatch.setattr(final_differences, "final_losses", _zero_is_chance)
    before = _cases_of_train_loss()
    changed = [
        (key[4:], (now[key], before[key]))
        for key in now
        if len(key) > 2 and now[key] != before[key]
    ]
    assert len(changed) == 4
    assert dict(changed) == {
        ("B", "carried", "digits", "adamw"): ("better", "worse"),
        ("B", "carried", "all", "adamw"): ("mixed", "worse"),
        ("B", "tuned", "digits", "signum"): ("worse", "undecided"),
        ("B", "tuned", "digits", "lion"): ("worse", "undecided"),
    }
    told = "ThermoLion against AdamW, both carried over, on the digits *better* (before: *worse*)"
    told += " and over the sets *mixed* (*worse*); against Signum and Lion, tuned, on the digits"
    assert f"{told} *worse* (*undecided*)" in text("docs/fair.md")


@pytest.mark.parametrize(("delta", "changes"), [(5.0, False), (50.0, True)])
def test_which_verdicts_the_later_margin_of_train_loss_changed_is_told(monkeypatch, delta, changes):
    """5.0 is the margin before; at ten times that some verdict does change."""

    def cases():
        (section,) = report.build(EXPONENT).sections
        said = {key: value for key, value in _cases_of_train_loss().items() if len(key) > 2}
        return said, [re.sub(r"than \S+ %", "", line) for line in section.verdicts]

    now = cases()
    for module, name in (
        (verdicts, "TRAIN_LOSS"),
        (claims, "FITTED"),
        (claims, "AT_MATCHED"),
    ):
        wide = dataclasses.replace(getattr(module, name), delta=delta)
        monkeypatch.setattr(module, name, wide)
    before = cases()
    assert [one != other for one, other in zip(now, before, strict=True)] == [changes] * 2
    assert "| a loss 5.1 % larger counted as the same | no verdict |" in text("docs/fair.md")


def test_how_long_the_study_of_parts_takes_is_told():
    minutes, runs = defaultdict(float), Counter()
    for one in records.read(ROOT / "results" / "ablation").records:
        share = one.layout.get("devices_per_run", 1) / one.layout.get("devices", 1)
        minutes[one.dataset, one.regime] += one.seconds / 60 * one.device["cores"] * share
        runs[one.dataset, one.regime] += 1
    (each,) = set(runs.values())
    ends = [round(end(minutes.values()), -1) for end in (min, max)]
    told = f"makes {each} runs in a regime ({ends[0]:.0f} to {ends[1]:.0f} minutes of training"
    assert told in text("docs/fair.md")
