"""What stands in results/ is what its records say."""

import csv
import re
from pathlib import Path

import pytest
from told import fair

from experiments.analysis.arms import workloads
from experiments.analysis.rate_scaling import power_law
from experiments.reports import findings, report

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    report.write(report.build(RESULTS / "records"), out)
    return out


def test_the_committed_numbers_are_those_of_the_committed_records(drawn):
    committed = sorted(path.name for path in (RESULTS / "paper").glob("paper-*.csv"))
    assert len(committed) == 4
    for name in committed:
        assert (drawn / name).read_bytes() == (RESULTS / "paper" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("study", "tables"), [("fair", 5), ("ablation", 10), ("label_noise", 1), ("rate_scaling", 1)]
)
def test_a_studys_tables_are_those_of_its_records(study, tables, tmp_path):
    folder = RESULTS / study
    report.write(report.build(folder), tmp_path)
    committed = sorted(path.name for path in folder.glob(f"{study.replace('_', '-')}-*.csv"))
    assert len(committed) == tables
    for name in committed:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_readmes_first_table_and_differences_are_the_fair_studys():
    readme = (RESULTS.parent / "README.md").read_text("utf-8")
    answers = (RESULTS.parent / "docs" / "faq.md").read_text("utf-8")
    fair = (RESULTS / "fair" / "report.md").read_text("utf-8")
    rows = readme.split("best of the rest, tuned |\n")[1].split("\n\n")[0].splitlines()[1:]
    cells = [
        "F-MNIST, A",
        "digits, A",
        "GTSRB-32, A",
        "F-MNIST, B",
        "digits, B",
        "GTSRB-32, B",
    ]
    for row, cell in zip(rows, cells, strict=True):
        wanted = _cells(row)[1:]
        (line,) = (
            line for line in fair.splitlines() if line.startswith(f"| {cell} ") and "points" in line
        )
        name, numbers = re.fullmatch(r"(.*?) ?(\S+ / \S+)", wanted[-1]).groups()
        best = f"{numbers} ({name})" if name else numbers
        assert [*wanted[:-1], best] == _cells(line)[1:7], cell
    for regime, over in (("A", "all"), ("B", "all")):
        (line,) = (
            line
            for line in fair.splitlines()
            if line.startswith(f"| Q1, {regime}: ThermoLion - AdamW")
            and "held-out" in line
            and f" {over} " in line
        )
        verdict = {"no larger difference": "no difference larger than 1 point"}
        said = verdict.get(_cells(line)[5], _cells(line)[5]).replace(" ", r"\s")
        told = rf"\*{said}\*[^*]*{re.escape(_cells(line)[3])}"
        assert re.search(told, " ".join(readme.split())), regime
        assert re.search(rf"{said},\s{re.escape(_cells(line)[3])}", answers), regime


def test_what_the_pages_say_of_the_setting_best_elsewhere_is_the_fair_studys():
    fair = (RESULTS / "fair" / "report.md").read_text("utf-8")
    rows = {
        _cells(line)[1]: _cells(line)[3:6]
        for line in fair.splitlines()
        if line.startswith("| Q0, A: ThermoLion - AdamW") and "held-out" in line
    }
    assert {name: verdict for name, (_, _, verdict) in rows.items()} == {
        "F-MNIST": "better",
        "GTSRB-32": "worse",
        "digits": "no larger difference",
        "all": "mixed",
    }
    better, worse = (abs(float(rows[name][0].split()[0])) for name in ("F-MNIST", "GTSRB-32"))
    for page in ("README.md", "docs/should_i_use_it.md"):
        text = " ".join((RESULTS.parent / page).read_text("utf-8").split())
        assert f"{better:.1f} points better" in text, page
        assert f"{worse:.1f} worse on GTSRB-32" in text, page
        (after_600,) = (
            _cells(line)
            for line in fair.splitlines()
            if line.startswith("| Q0, B: ThermoLion - AdamW")
            and "points" in line
            and " all " in line
        )
        assert f"*{after_600[5]}*, {after_600[3]}" in text, page


def test_what_a_carried_rate_costs_is_told_from_validation_images():
    found = workloads(list(fair().values()))
    (these,) = (
        optimizers
        for workload, optimizers in found.items()
        if (workload.dataset, workload.regime) == ("gtsrb32.npz", "A")
    )
    means = {}
    for name in ("adamw", "thermolion"):
        carried = these[name].carried
        assert len(carried) == 20
        means[name] = sum(one.validation_accuracy[-1] for one in carried) / len(carried)
    worse = 100 * (means["adamw"] - means["thermolion"])
    advice = " ".join((RESULTS.parent / "docs" / "settings.md").read_text("utf-8").split())
    assert f"loses {worse:.1f} points to AdamW, which does the same, on GTSRB-32" in advice


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_findings_are_what_the_records_say(monkeypatch):
    """`python -m experiments findings results` writes them anew."""
    monkeypatch.chdir(RESULTS.parent)
    assert findings.build("results") == (RESULTS / "findings.md").read_text("utf-8")


def test_the_advice_on_rates_is_the_validation_records():
    advice = (RESULTS.parent / "docs" / "settings.md").read_text("utf-8")
    findings_page = (RESULTS / "findings.md").read_text("utf-8")
    cells = {
        "F-MNIST, A": "Fashion-MNIST, 60 of 1,024",
        "digits, A": "Digits, 60 of 575",
        "GTSRB-32, A": "GTSRB-32, 60 of 900",
        "F-MNIST, B": "Fashion-MNIST, 600 of 128",
        "digits, B": "Digits, 600 of 128",
        "GTSRB-32, B": "GTSRB-32, 600 of 128",
    }
    said = r"- (.*): of the rates on the grid (\S+) was best \(AdamW's (\S+)\), (.*) within 1 point"
    for cell, *numbers in re.findall(said, findings_page):
        assert f"| {cells[cell]} | {' | '.join(numbers)} |" in advice


def test_how_the_best_rate_moves_is_told_as_the_records_have_it():
    advice = (RESULTS.parent / "docs" / "settings.md").read_text("utf-8")
    folder = RESULTS / "rate_scaling"
    (section,) = report.build(folder).sections
    for where, adamw, its_range, best, own_range, ratio in section.tables[0].rows:
        steps = where.removeprefix("F-MNIST, ").replace(" steps", "")
        row = " | ".join((steps, best, own_range, adamw, its_range, ratio))
        assert f"  | {row} |\n" in advice
    rates = {}
    for row in section.tables[0].data:
        place = (row["steps"], row["batch_size"])
        rates.setdefault(row["optimizer"], {})[place] = row["centre"]
    laws = {name: power_law(found) for name, found in rates.items()}
    ours, adamws = (10 ** laws[name].steps_power for name in ("thermolion", "adamw"))
    text = " ".join(advice.split())
    assert (
        f"lower the middle of the range to {ours:.2f} of what it was (AdamW's to {adamws:.2f})"
        in text
    )
    assert abs(laws["thermolion"].batch_power) < 0.005


def test_how_often_a_quarter_of_adamws_best_rate_is_a_good_one():
    advice = (RESULTS.parent / "docs" / "settings.md").read_text("utf-8")
    number = r"\d[\d.e-]*"
    first = rf"^  \| ([\w-]+), [^|]+ \| {number} \| ({number}) \| ({number}) to ({number}) \|"
    second = rf"^  \| \d+ of \d+ \| {number} \| ({number}) to ({number}) \| ({number}) \|"
    rows = [(name, a, low, high) for name, a, low, high in re.findall(first, advice, re.M)]
    rows += [("Fashion-MNIST", a, lo, hi) for lo, hi, a in re.findall(second, advice, re.M)]
    good = [name for name, a, low, high in rows if float(low) <= float(a) / 4 <= float(high)]
    sets = [name for name, *_ in rows]
    text = " ".join(advice.split())
    assert f"best in {len(good)} of the {len(rows)} rows above" in text
    each = {name: (good.count(name), sets.count(name)) for name in sets}
    (some, of), (twice, both), (none, signs) = (
        each[name] for name in ("Fashion-MNIST", "Digits", "GTSRB-32")
    )
    told = f'{some} of the {of} of Fashion-MNIST ("600 of 128" is in both tables), '
    assert f"{told}{twice} of {both} of the digits, {none} of {signs} of GTSRB-32." in text
    readme = (RESULTS.parent / "README.md").read_text("utf-8")
    told = f"a quarter was within a point of the best in {len(good)} of {len(rows)} cases, in "
    assert (none, signs) == (0, 2)
    assert f"{told}neither on GTSRB-32)" in " ".join(readme.split())


def test_the_settings_that_the_advice_says_were_chosen_are_those_of_the_search():
    advice = (RESULTS.parent / "docs" / "settings.md").read_text("utf-8")
    with (RESULTS / "fair" / "fair-v1-settings.csv").open(encoding="utf-8") as file:
        chosen = {
            (row["dataset"], row["regime"], row["optimizer"]): row
            for row in csv.DictReader(file)
            if row["network"] == "convnet"
        }
    rows = {
        ("fashion_mnist", "A"): "Fashion-MNIST, 60 of 1,024",
        ("digits", "A"): "Digits, 60 of 575",
        ("gtsrb32.npz", "A"): "GTSRB-32, 60 of 900",
        ("fashion_mnist", "B"): "Fashion-MNIST, 600 of 128",
        ("digits", "B"): "Digits, 600 of 128",
        ("gtsrb32.npz", "B"): "GTSRB-32, 600 of 128",
    }
    pairs = [[chosen[*cell, name] for name in ("thermolion", "adamw")] for cell in rows]
    for title, pair in zip(rows.values(), pairs, strict=True):
        (line,) = re.findall(rf"\| {title} \|.*", advice)
        assert _cells(line)[4:] == [f"{float(one['learning_rate']):.3g}" for one in pair]
    decays = re.search(r"table above chose ([^(]*) \(AdamW's ([^)]*)\)", advice)
    for said, decay in zip(decays.groups(), zip(*pairs, strict=True), strict=True):
        told = " ".join(said.split()).replace(" and", ",").split(", ")
        assert told == [f"{float(one['weight_decay']):.3g}" for one in decay]


def test_the_probability_of_improvement_is_the_share_of_pairs_of_runs():
    finals = {
        (arm.workload.regime, arm.workload.dataset, arm.optimizer): [
            one.test_accuracy for one in arm.tuned if one.test_accuracy is not None
        ]
        for arm in fair().values()
    }
    with (RESULTS / "fair" / "fair-v1-differences.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "held-out accuracy"]
    checked = 0
    for row in rows:
        if row["dataset"] == "all" or (row["setting"], row["network"]) != ("tuned", "convnet"):
            continue
        one, other = (finals[row["regime"], row["dataset"], row[k]] for k in ("first", "second"))
        wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in one for b in other)
        share = wins / len(one) / len(other)
        assert float(row["probability_of_improvement"]) == pytest.approx(share)
        assert float(row["probability_low"]) < share < float(row["probability_high"])
        checked += 1
    assert checked
