"""SMES's page: what it says without records, with some, and with a whole study's."""

import re
from dataclasses import replace

import made_exponent
import pytest

from experiments import records
from experiments.distortion_study import folder as distortion
from experiments.distortion_study import plan
from experiments.smes_page import __main__ as cli
from experiments.smes_page import fit, page


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "smes"
    made.mkdir()
    return made


def write(folder, found):
    with records.Writer(folder / page.EXPONENT) as writer:
        for one in found:
            writer.append(one)


def rows(text):
    """Question -> answer, of the page's first table."""
    return dict(re.findall(r"^\| ([^|]+\?) \| ([^|]+) \|$", text, re.M))


def images(text):
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)


def test_without_records_every_question_is_there_with_the_commands(folder):
    text = page.text(folder)
    assert len(rows(text)) == 7
    assert set(rows(text).values()) == {"not run yet"}
    assert images(text) == []
    # a chain at α = 0 is 9 + 2 + 10 runs, another 27 + 2 + 10; six cells, and two sparse ones
    # of the four fixed α
    runs = 6 * (21 + 5 * 39) + 2 * (21 + 3 * 39)
    assert f"{runs:,} of 1,572 runs of the exponent study, 4.8 hours or more on 2 cores" in text
    command = re.search(r"`(python -m experiments run .*)`", text)[1].split()
    assert command[-2:] == ["--out", str(folder / "exponent")]
    assert command[command.index("--datasets") + 2] == "PATH/gtsrb32.npz"
    assert "400 of 400 runs" in text


def test_a_studys_records_fill_the_page_and_its_figures_are_drawn(folder, capsys):
    write(folder, made_exponent.records_of())
    assert cli.main([str(folder)]) == 0
    text = page.path_of(folder).read_text(encoding="utf-8")
    assert capsys.readouterr().out == text + "\n"
    said = rows(text)
    assert said["Does a larger α fit the training set faster?"] == (
        "of 3 comparisons, by the train loss after equal steps at the setting best on validation: "
        "yes in 3 (complete on 2 of 6 pairs of data set and length)"
    )
    gap = said["Does a smaller α close the gap at matched train loss?"]
    assert gap == "of 3 comparisons: yes in 3 (complete on 2 of 6 pairs of data set and length)"
    sparse = said["Does the best α depend on sparsity?"]
    assert sparse.startswith("of 4 comparisons: the larger α's lead grows with it in 4; best held")
    assert "- F-MNIST, B: α cyclic, 0 to ½: train loss " in text
    row = r"^\| α = ½ against α = 0 \| +regime B \| +better, -63\.\d\d \[.*\] \| +better, -\d.* \|"
    assert re.search(row, text, re.M)
    assert "with intervals at 98.33 % over 10 seeds. Differences of less than 5 % do not" in text
    assert re.search(r"^\| 0\.5  +\| +0\.001 \| +1e-08¶ \| +80\.00 \| +2 \|", text, re.M)
    assert "¶: the outermost that was tried" in text
    left = 4 * (21 + 5 * 39)  # regime A and the traffic signs
    assert f"{left} of 1,572 runs" in text
    names = [name.rpartition("/exponent-v1-")[2] for name in images(text)]
    assert names == ["train-loss.svg", "gap.svg", "held-out.svg", "sparsity.svg", "heat.svg"]
    assert all((folder.parent / name).is_file() for name in images(text))


def test_an_answer_that_one_set_carries_names_it(folder):
    write(folder, made_exponent.carried_by_fashion_mnist())
    text = page.text(folder)
    faster = rows(text)["Does a larger α fit the training set faster?"]
    assert ": yes in 2 (1 shown on F-MNIST alone), yes and the contrary, by set in 1" in faster
    header = next(line for line in text.splitlines() if line.startswith("| comparison "))
    names = [cell.strip() for cell in header.strip("|").split("|")]
    assert names[2:] == ["over its sets", "digits", "F-MNIST", "smallest detectable"]
    mean = r"\| +better, [^|]+ "
    digits, clothes = r"\| +no larger difference, [+-]0\.\d\d \[[^|]+ ", r"\| +better, -\d[^|]+ "
    assert re.search(rf"^\| α = ½ against α = 0 [^|]*\|[^|]+{mean}{digits}{clothes}", text, re.M)


def test_a_cell_counts_once_every_fixed_alpha_is_there(folder):
    one_alpha = {"scaled_smes:alpha=0.75"}
    write(
        folder,
        [
            one
            for one in made_exponent.records_of()
            if one.dataset != "digits" or one.optimizer in one_alpha
        ],
    )
    assert "(complete on 1 of 6 pairs of data set and length)" in page.text(folder)


def test_comparisons_by_sparsity_that_lack_runs_are_counted(folder):
    found = made_exponent.records_of(sets=("fashion_mnist",))
    write(folder, [one for one in found if one.data.sparsity != 0.9])
    sparse = rows(page.text(folder))["Does the best α depend on sparsity?"]
    assert sparse.startswith("of 2 comparisons: the larger α's lead grows with it in 2")
    assert sparse.endswith("(2 more lack runs)")


def test_a_study_that_has_only_begun_has_no_answer_and_a_smoke_budget_is_none(folder):
    write(folder, made_exponent.records_of("smoke", sets=("digits",)))
    assert set(rows(page.text(folder)).values()) == {"not run yet"}
    found = made_exponent.records_of(sets=("digits",))
    write(folder, [one for one in found if one.phase == "tune"])
    text = page.text(folder)
    said = rows(text)
    assert [*said.values()][:4] == ["no answer yet"] * 4
    assert images(text) == ["smes/exponent/exponent-v1-heat.svg"]
    assert f"{1572 - 9 - 5 * 27:,} of 1,572 runs" in text


def test_the_time_to_come_is_the_median_of_the_runs_so_far_whatever_one_took(folder):
    found = made_exponent.records_of(sets=("digits",))
    layout = {"devices": 2, "devices_per_run": 1}
    write(
        folder,
        [
            replace(one, seconds=1e6 if number < 3 else 36.0, layout=layout, device={"cores": 2})
            for number, one in enumerate(found)
        ],
    )
    left = 1572 - len(found)
    words = f"{left:,} of 1,572 runs of the exponent study, {left * 36 / 2 / 3600:.1f} hours"
    assert words in page.text(folder)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("worse by less", "the larger α's lead shrinks with it by less than counts"),
        ("better by less", "the larger α's lead grows with it by less than counts"),
        ("worse", "the larger α's lead shrinks with it"),
        ("no larger difference", "no difference that counts"),
    ],
)
def test_a_lead_that_grows_is_no_other_best_exponent(case, said):
    assert fit.DEPENDS[case] == said


def test_more_fewer_or_as_many_networks(folder):
    def accuracy(arm):
        rescued = arm.optimizer == "SGD" and arm.strength
        broken = arm.optimizer == "AdamW" and arm.strength
        return 0.9 if rescued or (arm.optimizer == "AdamW" and not broken) else 0.1

    def of_seed(arm, seed):
        # SGD's rescaled runs end at 85, 90 and 95 %: ±12.4 at 95 %, 4.303 · 5 / √3.
        spread = 0.05 * plan.SEEDS.index(seed) - 0.05 if seed in plan.SEEDS else 0
        return accuracy(arm) + (spread if accuracy(arm) > 0.5 and arm.strength else 0)

    made = "".join(
        f'{{"depth": {arm.depth}, "start": "{arm.start}", "optimizer": "{arm.optimizer}", '
        f'"strength": {arm.strength}, "size": 0.001, "seed": {seed}, "phase": "{phase}", '
        f'"train_loss": 1.0, "train_accuracy": {of_seed(arm, seed)}, "status": "ok", "steps": 300, '
        '"images": 1000, "dataset": "digits", "fingerprint": "0", "rate": 1, "losses": [2], '
        '"gradients": [{"step": 0, "spread": 2, "kernel": [0.001, 1], "bias": [1, 1]}]}\n'
        for arm in plan.all_arms()
        for phase, seeds in (("tune", (101,)), ("final", plan.SEEDS))
        for seed in seeds
    )
    path = distortion.file_of(folder / page.DISTORTION, 10)
    path.parent.mkdir()
    path.write_text(made, encoding="utf-8")
    text = page.text(folder)
    *_, unequal, trains, helps = rows(text).values()
    assert unequal.endswith("is from 1,000 times to 1,000 times the smallest")
    assert trains == (
        "α=½ nearly immune: no, it trains 0 of 4 networks, mean train accuracy 10 %; "
        "α=0 helpless: yes, it trains 0 of 4 networks, mean train accuracy 10 %"
    )
    assert helps == (
        "more: SGD (0 → 4 of 4; 10 → 90 %, +80.0 [+67.6, +92.4]); fewer: AdamW (4 → 0 of 4; 90 → "
        "10 %, -80.0 [-80.0, -80.0]); as many: SMES α=0 (0 → 0 of 4; 10 → 10 %, +0.0 [+0.0, "
        "+0.0]), SMES α=¼ (0 → 0 of 4; 10 → 10 %, +0.0 [+0.0, +0.0]), SMES α=½ (0 → 0 of 4; 10 → "
        "10 %, +0.0 [+0.0, +0.0]) (beside the count: mean train accuracy, and its change in points "
        "with its 95 % interval over 3 seeds)"
    )
    assert "240 of 400 runs" in text
    path.write_text(made.replace('"steps": 300', '"steps": 12'), encoding="utf-8")
    assert set(rows(page.text(folder)).values()) == {"not run yet"}


def test_a_folder_that_is_not_there_and_a_broken_record_are_told_in_one_line(folder, capsys):
    assert cli.main([str(folder / "absent")]) == 2
    assert f"there is no folder {folder / 'absent'}" in capsys.readouterr().err
    (folder / page.EXPONENT).mkdir()
    (folder / page.EXPONENT / "records.jsonl").write_text("nothing\n{}\n")
    assert cli.main([str(folder)]) == 2
    assert "records.jsonl" in capsys.readouterr().err
    assert not page.path_of(folder).exists()
