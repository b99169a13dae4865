"""The tables of differences in the README and the advice are what the records say."""

import functools
import re
from pathlib import Path

from told import fair, interval_said, text

from experiments.analysis.final_differences import accuracy_difference
from experiments.analysis.paired import over_sets
from experiments.reports import report

ROOT = Path(__file__).parents[2]
SETS = ("fashion_mnist", "gtsrb32.npz", "digits")
SETTINGS = {  # of ThermoLion and of AdamW, by their name in the advice
    "both at their defaults": ("default", "default"),
    "AdamW tuned, ThermoLion at its defaults": ("default", "tuned"),
    "both carried over": ("carried", "carried"),
}


def _rows(page, header):
    """First cells -> the others of the table with that header."""
    whole = (ROOT / page).read_text(encoding="utf-8")
    (table,) = re.findall(rf"^\| {re.escape(header)}.*\n\|.*\n((?:\|.*\n)+)", whole, re.M)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def _difference(name, regime, settings, other="adamw"):
    own, others = settings
    return accuracy_difference(
        getattr(fair()[name, regime, "thermolion"], own),
        getattr(fair()[name, regime, other], others),
    )


def _untuned(settings, regime):
    each = [_difference(name, regime, settings) for name in SETS]
    assert {len(one.by_seed) for one in each} == {20}
    return each, over_sets(each)


def test_the_advices_table_without_tuning():
    rows = []
    for name, settings in SETTINGS.items():
        for regime, steps in (("A", "60"), ("B", "600")):
            each, mean = _untuned(settings, regime)
            rows.append([name, steps, *map(interval_said, each), interval_said(mean)])
    assert _rows("docs/should_i_use_it.md", "setting | steps") == rows
    (*_, digits), ahead = _untuned(("default", "default"), "A")
    (clothes, *_), level = _untuned(("default", "default"), "B")
    _, behind = _untuned(("default", "tuned"), "B")
    assert ahead.low > 0 > behind.high
    assert not digits.excludes_zero
    assert not level.excludes_zero
    assert clothes.high < 0
    told = (
        "ahead after 60 steps, on the digits not shown; after 600 not told apart (on Fashion-MNIST "
    )
    told += "behind), and "
    advice = text("docs/should_i_use_it.md")
    assert f"{told}{-behind.mean:.1f} points behind the *tuned* AdamW." in advice


@functools.cache
def _verdict_lines(study):
    (section,) = report.build(ROOT / "results" / study).sections
    return section.verdicts


def _verdicts(study, line):
    """The case and numbers over all sets, by what the groups of the line's pattern are."""
    line += r", held-out accuracy: over \d sets, (.*?): (\S+) points (\[.*?\])"
    found = {}
    for one in _verdict_lines(study):
        if match := re.search(line, one):
            *key, words, mean, ends = match.groups()
            case = re.sub(r" \(better on.*|, at most.*", "", words)
            found[tuple(key)] = f"*{case}*, {mean} {ends}"
    return found


def _words(mean):
    told = "ahead" if mean.low > 0 else "behind" if mean.high < 0 else "not told apart"
    return f"{told}, {interval_said(mean)}"


def _with_a_transformer():
    """The table's column of the vision transformer: Fashion-MNIST, 600 steps."""
    of = {name: arm for (*place, name), arm in fair("vit").items() if place == [SETS[0], "B"]}
    assert len(of) == len(fair("vit"))
    line = r"Q\d, regime B, vit: .*\? ThermoLion against (\w+) on F-MNIST, held-out accuracy: "
    line += r"(.*?): (\S+) points (\[.*?\])"
    found = [match.groups() for one in _verdict_lines("fair") if (match := re.match(line, one))]
    column = {
        f"{other}, both tuned alike": f"*{case}*, {mean} {ends}"
        for other, case, mean, ends in found
    }
    mine, theirs = of["thermolion"], of["adamw"]
    for row, own, others in (
        ("AdamW, both at their defaults", mine.default, theirs.default),
        ("AdamW tuned, itself at its defaults", mine.default, theirs.tuned),
    ):
        column[row] = _words(accuracy_difference(own, others))
    return column


def test_what_the_advice_says_of_the_transformer():
    column = _with_a_transformer()
    line = r"Q1, regime B, vit: .* against (\w+) on F-MNIST, .* train loss: better: -(\S+) %"
    found = [match.groups() for one in _verdict_lines("fair") if (match := re.match(line, one))]
    losses = {name: f"at a train loss {float(loss):.0f} % smaller" for name, loss in found}
    adamw, nadamw = (column[f"{name}, both tuned alike"] for name in ("AdamW", "NadamW"))
    said = f"{adamw}, {losses['AdamW']}; both untuned {column['AdamW, both at their defaults']}. "
    said += f"NadamW likewise: {nadamw}, {losses['NadamW']}. "
    signum, lion = (column[f"{name}, both tuned alike"] for name in ("Signum", "Lion"))
    none = "*no difference larger than 1 point*, "
    assert signum.startswith(none)
    said += f"Signum and Lion: {signum} and {lion.removeprefix(none)};"
    assert said in text("docs/should_i_use_it.md")
    behind = [f"{-float(one.split(', ')[1].split()[0]):.1f}" for one in (adamw, nadamw)]
    assert behind == ["0.5"] * 2
    said = (
        "on one set, the tuned AdamW and NadamW are 0.5 points ahead; Signum and Lion are within a "
    )
    assert f"{said}point." in text("README.md")


def test_the_readmes_table_of_differences():
    tuned = _verdicts("fair", r"(Q\d), regime (.): .*\? ThermoLion against (\w+)")
    parts = _verdicts("ablation", r"regime (.): .*\? ThermoLion against (.*?)")
    muon = "; ".join(
        _words(_difference(name, "B", ("tuned", "tuned"), "muon")) for name in SETS[1:]
    )

    def both(of):
        return [of(regime) for regime in "AB"]

    short, longer, digits = (
        _words(_difference(*place, ("tuned", "tuned"), "schedule_free_adamw"))
        for place in ((SETS[0], "A"), (SETS[0], "B"), (SETS[2], "A"))
    )
    told = f"on Fashion-MNIST after 60 steps {short}, after 600 {longer}; on the digits after 60 "
    assert f"{told}{digits}; on GTSRB-32 not run yet." in text("docs/should_i_use_it.md")
    free = [f"{short}; {digits}", f"{longer}; not run yet"]
    assert ("digits", "B", "schedule_free_adamw") not in fair()

    expected = {
        "AdamW, both tuned alike": both(lambda x: tuned["Q1", x, "AdamW"]),
        "AdamW, both at their defaults": both(
            lambda x: _words(_untuned(("default", "default"), x)[1])
        ),
        "AdamW tuned, itself at its defaults": both(
            lambda x: _words(_untuned(("default", "tuned"), x)[1])
        ),
        "AdamW, both with the rate alone tuned": both(lambda x: parts[x, "AdamW"]),
        "AdamW, both carried over": both(lambda x: tuned["Q0", x, "AdamW"]),
        "NadamW, both tuned alike": both(lambda x: tuned["Q1", x, "NadamW"]),
        "Signum, both tuned alike": both(lambda x: tuned["Q2", x, "Signum"]),
        "Lion, both tuned alike": both(lambda x: tuned["Q2", x, "Lion"]),
        "schedule-free AdamW, both tuned alike, Fashion-MNIST; digits": free,
        "Muon, both tuned alike, GTSRB-32; digits": ["not run yet", muon],
        "itself with *another* parameter's λ": both(lambda x: parts[x, "λ of another parameter"]),
    }
    assert ("gtsrb32.npz", "A", "muon") not in fair()
    column = dict.fromkeys(expected, "–") | _with_a_transformer()
    alone = expected["AdamW, both with the rate alone tuned"]
    told = f"after 60 steps {alone[0]}; after 600 {alone[1]}, won on GTSRB-32"
    assert f"the rate alone tuned, another study of two sets: {told}" in text(
        "docs/should_i_use_it.md"
    )
    told = _rows("README.md", "held-out points, ThermoLion minus …")
    assert {name: cells for name, *cells in told} == {
        name: [*cells, column[name]] for name, cells in expected.items()
    }
