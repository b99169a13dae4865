"""The page of findings without records, with some and with all, of runs that never were."""

import re
import zlib
from dataclasses import replace

import made_exponent
import pytest
from made_records import Made

from experiments import __main__ as cli
from experiments import optimizers
from experiments.protocols import ablation, fair, label_noise
from experiments.records import DataFacts
from experiments.records.lines import encode
from experiments.reports import findings
from experiments.reports.findings.studies import SCOPE

FIVE = ("adam", "adamw", "nadamw", "signum", "lion", "thermolion")
VERDICTS = ("better", "worse", "no difference", "no larger difference", "undecided", "ties", "yes,")
BEHIND = {"adam": 2.0, "nadamw": 0.0, "adamw": 3.0, "thermolion:gate=permuted": 2.0}
"""Points that each lies behind ThermoLion; all others tie with it."""


def rate(cell):
    return dict(cell.learner.changed).get("learning_rate", 1e-3)


class Judged(Made):
    def run(self, cells):
        super().run(cells)
        for cell in cells:
            name = cell.learner.optimizer
            luck = (zlib.crc32(f"{name}{cell.seed}{cell.task.title}".encode()) % 100 - 50) / 1e5
            right = 0.8 - BEHIND.get(name, 0.0) / 100 + luck
            snr = (1 - cell.task.label_noise) * cell.regime.batch_size**0.5 / 10
            said = self.records[cell]
            self.records[cell] = replace(
                said,
                fingerprint=f"{zlib.crc32(cell.task.title.encode()):08x}",
                data=DataFacts(classes=10, label_noise=cell.task.label_noise or None),
                hyperparameters={"learning_rate": 1e-3, **said.hyperparameters},
                train_loss=[1.0, 0.1 + luck],
                update_rms=rate(cell) / (3 if name == "adamw" else 1),
                train_accuracy=right + 0.1,
                test_accuracy=right if cell.reads_test else None,
                telemetry={"gradient_snr": [snr + luck], "gate_mean": [snr / 10], "noise_std": [0]},
            )


def made(protocol, names, sets, **more):
    study = protocol.study(list(sets), {one: optimizers.resolve(one) for one in names}, **more)
    found = Judged(lambda cell: 0.8 - abs(rate(cell) - 1e-3))
    found.run_all(study)
    return list(found.records.values())


@pytest.fixture(scope="module")
def whole():
    return {
        "fair": made(fair, FIVE, SCOPE["fair"][0]),
        "ablation": made(ablation, ablation.OPTIMIZERS, SCOPE["ablation"][0]),
        "label_noise": made(label_noise, label_noise.OPTIMIZERS, SCOPE["label_noise"][0]),
    }


def page(folder, studies):
    for name, some in studies.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "records.jsonl").write_bytes(b"".join(map(encode, some)))
    return findings.build(folder)


def part(text, heading):
    """What stands under a heading."""
    return text.split(f"# {heading}")[1].split("\n#")[0]


def test_without_records_nothing_sounds_like_an_answer(tmp_path):
    text = page(tmp_path, {})
    assert not [word for word in VERDICTS if word in text]
    assert (
        "None of the 40 comparisons is complete over all its data sets; they have no answer yet"
        in text
    )
    assert text.count("No answer yet, in no regime and against nobody.") == 10
    assert "Missing: all of the 240 final runs." in part(text, "Q0")
    assert "Missing: all of the 270 final runs." in part(text, "Q8")
    assert "Regime A**: not known yet." in text
    assert "![" not in text
    for number in range(9):
        assert f"### Q{number}: " in text
        protocol = "fair" if number < 3 else "label_noise" if number == 8 else "ablation"
        assert f"python -m experiments run --protocol {protocol} " in part(text, f"Q{number}")


def test_with_some_records_what_is_there_is_said_of_its_sets_alone(tmp_path, whole):
    some = [
        one
        for one in whole["fair"]
        if one.dataset == "fashion_mnist"
        and not (one.optimizer == "lion" and one.phase == "final" and one.seed > 205)
        and not (one.optimizer == "signum" and one.regime == "A")
    ]
    text = page(tmp_path, {"fair": some})
    assert "not known yet" in part(text, "When to use")
    assert re.search(r"no answer to the question yet; \d+ have no answer yet\.", text)
    assert "better (1 of 3 sets)" in text
    assert "no larger difference (1 of 3 sets)" in text
    second = part(text, "Q2")
    assert "**Regime A, against Signum**: no answer yet." in second
    assert "**Regime B, against Lion**: no answer yet." in second  # 5 of 20 runs are none
    assert "F-MNIST, A: Signum 20, Lion 15; F-MNIST, B: Lion 15; GTSRB-32, A: all 60" in second
    assert "Missing, 290 of 360 final runs" in second
    assert "on F-MNIST alone, ThermoLion against Signum on F-MNIST" in second
    assert "No answer yet" in part(text, "Q0")  # the best on the other sets is not known
    assert "Regime B, as far as F-MNIST goes**: not known yet." in text
    assert "fair/fair-v1-differences.svg" in text
    # Signum and Lion, and four that were never run
    left = part(text, "What is left of the gain")
    assert "of 4 (5 still missing)" in left
    assert "of 3 (6 still missing)" in left


def test_of_a_folder_of_ones_own_the_commands_and_links_are_its_own(tmp_path, whole):
    (tmp_path / "my runs").mkdir()
    some = [one for one in whole["fair"] if (one.dataset, one.regime) == ("fashion_mnist", "B")]
    text = page(tmp_path / "my runs", {"fair": some})
    assert "](fair/fair-v1-differences.svg)" in text
    cli.main(["report", str(tmp_path / "my runs" / "fair")])
    text = findings.build(tmp_path / "my runs")
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert "fair/report/fair-v1-differences.svg" in links
    assert [link for link in links if not (tmp_path / "my runs" / link).exists()] == []
    assert f"`python -m experiments findings '{tmp_path}/my runs'`" in text
    assert "results/" not in text


def test_the_papers_report_is_linked_where_it_is_and_else_its_command_named(
    tmp_path, synthetic, folder_of
):
    made = folder_of([synthetic("digits", "adam", seed) for seed in range(2)])
    made.rename(tmp_path / "records")
    told = part(findings.build(tmp_path), "What reproduces")
    assert f"`python -m experiments report {tmp_path}/records` draws the report" in told
    cli.main(["report", str(tmp_path / "records")])
    told = part(findings.build(tmp_path), "What reproduces")
    assert "[the report](records/report/report.md)" in told


def test_what_holds_elsewhere_has_a_section_of_its_own(tmp_path, whole):
    vit = made(fair, FIVE, ["digits"], networks=["vit"], regimes=("B",))
    both = made(fair, FIVE, ["digits"], regimes=("B", "C"))
    more = [*vit, *(one for one in both if one.regime == "C")]
    text = page(tmp_path, whole | {"fair": [*whole["fair"], *more]})
    told = part(text, "Does it hold with another network, in longer runs?")
    starts = re.findall(r"^- (Q\d, regime .*?): ", told, re.M)
    assert starts == [
        *["Q1, regime C"] * 2,
        *["Q2, regime C"] * 2,
        *["Q1, regime B, vit"] * 2,
        *["Q2, regime B, vit"] * 2,
    ]
    assert "regime C is 2,400 steps of 128 at the settings that won in B" in told
    assert "All 40 comparisons are complete over all their data sets." in text
    gone = ("vit", "lion", "final")
    some = [one for one in more if (one.network, one.optimizer, one.phase) != gone]
    waits = page(tmp_path / "waits", whole | {"fair": [*whole["fair"], *some]})
    assert "vit: Is the gate worth more than the sign? No answer yet: final runs of Lion," in waits
    before = page(tmp_path / "before", whole)
    assert "another network" not in before
    assert part(text, "Question by question") == part(before, "Question by question")


def test_with_all_records_every_question_has_its_verdict_and_figure(tmp_path, whole):
    text = page(tmp_path, whole)
    assert "All 40 comparisons are complete over all their data sets." in text
    left = "With the ConvNet in A and B no question lacks a run; Q9 lacks 1,572 of its 1,572 runs. "
    assert f"{left}Ranks among all optimizers lack some" in text
    assert "Missing" not in text
    assert "o answer yet" not in text
    assert "not known yet" not in part(text, "When to use")
    assert "Signum ties" in part(text, "When to use")
    settings = part(text, "Its parts as settings")
    assert "**No boost**: in regime A it ties, " in settings
    assert settings.count("\n- **") == 5
    assert "F-MNIST, A 1.00; F-MNIST, B 1.00; GTSRB-32, A 1.00" in part(text, "Q7")
    assert "| AdamW at ThermoLion's step (rate set, not tuned) |" in text
    assert "Regime A**: yes, it was ahead of AdamW, and nobody was ahead of it." in text
    said = "ThermoLion against λ of another parameter, held-out accuracy: over 2 sets, better"
    assert said in text
    assert "Within a batch size, where labels alone differ: it does" in part(text, "Q8")
    for number in range(9):
        assert ".svg)" in part(text, f"Q{number}"), number
    assert "Adding one part after the other" in part(text, "What the gain is made of")
    left = part(text, "What is left of the gain")
    for regime in "AB":  # of five, over three sets
        row = rf"\| {regime}: ThermoLion +\| +[12]\S* \[\S+, \S+\] \| +5 \| +F-MNIST, GTSRB-32"
        assert re.search(row, left)
    assert left.count("of 5 (4 still missing)") == 6
    assert left.count(": SGD, schedule-free AdamW, SMES, Muon") == 6
    assert "Of 6 searches 6 chose" in part(text, "Settings")


def test_how_much_of_the_question_with_a_page_of_its_own_is_missing_is_told(tmp_path):
    made_runs = made_exponent.records_of(sets=("digits",))
    page(tmp_path, {"smes/exponent": made_runs})
    text = findings.build(tmp_path)
    assert f"; Q9 lacks {1572 - len(made_runs):,} of its 1,572 runs." in text


def test_a_verdict_on_runs_at_chance_at_a_rate_that_was_set_is_no_evidence(tmp_path, whole):
    lost = [
        replace(one, health=["at chance"])
        if (one.optimizer, one.dataset, one.regime, one.phase)
        == ("adamw", "gtsrb32.npz", "B", "final")
        else one
        for one in whole["ablation"]
    ]
    text = page(tmp_path, {"ablation": lost})
    told = "no evidence: 10 of 10 runs at chance on GTSRB-32"
    assert f"; {told} |" in text  # of AdamW tuned, chance is what tuning came to
    assert text.count(told) == 2
    assert f"has a rate that was set, not tuned; {told}." in part(text, "Q7")


def test_one_that_is_ahead_is_a_reason_against_it(tmp_path, whole, monkeypatch):
    monkeypatch.setitem(BEHIND, "signum", -2.0)
    changed = made(fair, FIVE, SCOPE["fair"][0], regimes=("B",))
    text = page(tmp_path, {"fair": changed})
    assert "**Regime B**: no, Signum did better." in text
    assert "Signum is ahead, -2.0" in text


def test_a_further_optimizer_does_not_hide_an_answer(tmp_path):
    names = (*label_noise.OPTIMIZERS, "lion")
    text = page(tmp_path, {"label_noise": made(label_noise, names, SCOPE["label_noise"][0])})
    assert "Within a batch size, where labels alone differ: it does" in part(text, "Q8")


def test_an_answer_of_some_sets_names_them(tmp_path, whole):
    """Of the three that the question takes two are there."""
    some = [one for one in whole["fair"] if one.dataset in ("digits", "fashion_mnist")]
    text = part(page(tmp_path, {"fair": some}), "Q1")
    assert "against AdamW**: on digits and F-MNIST alone, ThermoLion against" in text


def test_a_winner_that_lost_a_confirming_run_is_not_judged_here_either(tmp_path, whole):
    lost = next(
        one
        for one in whole["fair"]
        if (one.dataset, one.regime, one.optimizer, one.phase) == ("digits", "B", "lion", "confirm")
    )
    some = [one for one in whole["fair"] if one is not lost]
    text = part(page(tmp_path, {"fair": some}), "Q2")
    assert "Regime B, against Lion**: on F-MNIST and GTSRB-32 alone, ThermoLion against" in text
    assert "digits, B: Lion 20" in text


def test_smoke_runs_are_not_read(tmp_path):
    some = made(label_noise, label_noise.OPTIMIZERS, ("fashion_mnist",), budget="smoke")
    text = page(tmp_path, {"label_noise": some})
    assert "No answer yet" in part(text, "Q8")
    assert "`label_noise`: no records yet" in text


def test_the_command_writes_it_and_names_a_folder_that_is_not_there(tmp_path, capsys):
    assert cli.main(["findings", str(tmp_path)]) == 0
    assert (tmp_path / "findings.md").read_text("utf-8") == findings.build(tmp_path)
    assert cli.main(["findings", str(tmp_path / "none")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_page_elsewhere_has_links_that_lead_to_the_records(tmp_path):
    (tmp_path / "my runs").mkdir()
    (tmp_path / "my runs" / "smes.md").write_text("")
    out = tmp_path / "pages" / "deep" / "page.md"
    findings.write(tmp_path / "my runs", out)
    assert "](../../my%20runs/smes.md)" in out.read_text("utf-8")


def test_a_place_where_no_page_can_be_is_told_before_it_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(findings.page, "build", lambda folder: pytest.fail("was built"))
    (tmp_path / "file").write_text("")
    for out, said in (
        (tmp_path, "a folder; expected a file"),
        (tmp_path / "file" / "x", "a file;"),
    ):
        assert cli.main(["findings", str(tmp_path), "--out", str(out)]) == 2
        assert said in capsys.readouterr().err
