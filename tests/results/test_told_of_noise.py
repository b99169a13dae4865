"""What the pages say of the label noise study is what its report says."""

import csv
import re
from pathlib import Path
from statistics import mean

from told import text

from experiments import records
from experiments.reports import report
from experiments.reports.ablation.tables import arm_title

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "label_noise"


def _cells():
    with (FOLDER / "label-noise-v1-cells.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_lead_is_told_with_its_growth():
    leads = {}
    for row in _cells():
        if row["held_out_difference"]:
            mean, half = float(row["held_out_difference"]), float(row["held_out_half"])
            place = (f"{int(row['batch_size']):,}", arm_title(row["optimizer"]))
            numbers = f"{mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}]"
            leads.setdefault(place, {})[float(row["label_noise"])] = numbers
    (section,) = report.build(FOLDER).sections
    line = r"batch ([\d,]+): .* lead over (\w+) in held-out accuracy (.*?): (\S+) points (\[.*?\])"
    grown = [found for said in section.verdicts for found in re.findall(line, said)]
    rows = [
        f"| {batch}, {name} | {' | '.join(leads[batch, name][noise] for noise in (0.0, 0.3, 0.6))} "
        f"| {words}: {mean} {ends} |"
        for batch, name, words, mean, ends in grown
    ]
    page = (ROOT / "docs" / "should_i_use_it.md").read_text(encoding="utf-8")
    _, _, part = page.partition("## Does the gate help where labels are wrong?")
    told = [one for one in part.partition("\n## ")[0].splitlines() if one.startswith("| ")][1:]
    assert sorted(told) == sorted(rows)
    assert all(float(low) < 0 < float(high) for low, high in (_ends(one[-1]) for one in grown))
    within = sum("by no more than 1 point" in one for one in told)
    assert (len(told), within) == (6, 3)
    assert "no interval excludes 0, and three lie within a point" in " ".join(part.split())


def test_the_best_rate_at_equal_epochs_is_told():
    rates = {
        (row["batch_size"], row["optimizer"]): f"{float(row['learning_rate']):.2g}"
        for row in _cells()
        if float(row["label_noise"]) == 0
    }
    mine = [rates[batch, "thermolion"] for batch in ("32", "128", "1024")]
    page = " ".join((ROOT / "docs" / "settings.md").read_text(encoding="utf-8").split())
    said = f"want {mine[0]} at batches of 32, {mine[1]} at 128 and {mine[2]} at 1,024"
    (theirs,) = {rate for (_, name), rate in rates.items() if name == "adamw"}
    assert f"{said} (AdamW's is {theirs} in all three;" in page


def test_what_the_gate_sees_is_told():
    (section,) = report.build(FOLDER).sections
    within, overall = re.findall(r"([+-]\S+ \[.*?\]) at 95 %", section.verdicts[0])
    assert "larger batches make fewer steps, it is +" in section.verdicts[0]
    told = "rate moves with the labels: no, rather the opposite, -"
    assert told in section.verdicts[0]
    page = text("docs/should_i_use_it.md")
    told = "No, rather the opposite.** Within a batch size, as for all effects "
    told += "here, the rank correlation of mean λ with the gradient's signal-to-noise ratio is "
    assert f"{told}{within}: mean λ is mostly higher with worse labels" in page
    assert f"Over all nine cells it is {overall}: batches of 1,024 have more of both" in page
    ours = {
        (row["batch_size"], row["label_noise"]): row
        for row in _cells()
        if row["optimizer"] == "thermolion"
    }
    gate = {place: float(row["gate_mean"]) for place, row in ours.items()}
    assert all(
        gate["1024", noise] > max(gate["32", noise], gate["128", noise])
        for noise in ("0", "0.3", "0.6")
    )
    falls = [place for place in gate if place[1] == "0.6" and gate[place] < gate[place[0], "0.3"]]
    assert falls == [("32", "0.6")]  # it rises in the five other steps
    assert all(gate[size, "0.3"] > gate[size, "0"] for size in ("32", "128", "1024"))
    rate = {place: float(row["learning_rate"]) for place, row in ours.items()}
    assert all(rate[size, "0.3"] < rate[size, "0"] for size in ("32", "128", "1024"))
    assert "from 0 to 30 % ThermoLion's best rate falls at every batch size" in page
    alike = [size for size in ("32", "128", "1024") if rate[size, "0.3"] == rate[size, "0.6"]]
    assert alike == ["32", "1024"]
    some, many = ([f"{gate[size, noise]:.3f}" for noise in ("0.3", "0.6")] for size in alike)
    assert f"where λ falls with the ratio ({' to '.join(some)}), and of 1,024" in page
    assert f"where it hardly moves ({' to '.join(many)})" in page


def test_when_the_gate_is_open_is_told():
    found = [one for one in records.read(FOLDER).records if one.phase == "final"]
    first, last = ([], []), ([], [])
    for place, batch in enumerate((1024, 32)):
        for noise in (None, 0.3, 0.6):
            curves = [
                one.telemetry["gate_mean"]
                for one in found
                if (one.optimizer, one.settings["batch_size"]) == ("thermolion", batch)
                and one.data.label_noise == noise
            ]
            assert len(curves) == 10
            first[place].append(mean(curve[0] for curve in curves))
            last[place].append(mean(curve[-1] for curve in curves))
    large, small = last
    page = text("docs/should_i_use_it.md")
    told = f"it is {min(first[0]):.2f} to {max(first[0]):.2f}, at the last {min(large):.2f} to "
    told += f"{max(large):.2f}, where batches of 32 have {min(small):.2f} to {max(small):.2f}."
    assert told in page


def _ends(interval):
    return interval.strip("[]").split(", ")


def test_where_the_best_rate_is_the_lowest_is_told():
    (section,) = report.build(FOLDER).sections
    marked = {row[0].removesuffix("¶") for row in section.tables[0].rows if row[0].endswith("¶")}
    noisy = [f"F-MNIST, batch 32, {noise} % label noise" for noise in (30, 60)]
    expected = {f"{cell}: {name}" for cell in noisy for name in ("ThermoLion", "AdamW", "Signum")}
    assert marked == expected | {"F-MNIST, batch 128, 60 % label noise: ThermoLion"}
    found = records.read(FOLDER).records
    for cell in marked:
        batch, noise, name = re.findall(r"batch (\d+), (\d+) % label noise: (\w+)", cell)[0]
        of_arm = [
            one
            for one in found
            if (arm_title(one.optimizer), one.settings["batch_size"]) == (name, int(batch))
            and (one.data.label_noise or 0.0) == int(noise) / 100
        ]
        tried, final = (
            {one.hyperparameters["learning_rate"] for one in of_arm if one.phase == phase}
            for phase in ("tune", "final")
        )
        assert (len(tried), final) == (5, {min(tried)})
    page = text("docs/should_i_use_it.md")
    told = "in both noisy columns at batches of 32, and for ThermoLion at 60 % and 128, the best "
    assert f"{told}rate was the lowest of the five that were tried" in page
