import pytest

from experiments.analysis import summaries
from experiments.reports import comparison, report
from experiments.reports.table import EDGE


def _swept(synthetic, dataset, optimizer, by_rate, **more):
    return [
        synthetic(
            dataset,
            optimizer,
            seed,
            hyperparameters={"learning_rate": rate},
            changed={} if rate == 1e-3 else {"learning_rate": rate},
            train_accuracy=accuracy / 100,
            **more,
        )
        for rate, accuracies in by_rate.items()
        for seed, accuracy in enumerate(accuracies)
    ]


@pytest.fixture
def sweep(synthetic):
    """Adam's best is 0.001, mine's the largest tried; five seeds move both alike."""
    adam = {3e-4: [70.0] * 5, 1e-3: [80.0, 81.0, 82.0, 83.0, 84.0], 3e-3: [60.0] * 5}
    mine = {1e-3: [50.0] * 5, 3e-3: [82.0, 83.0, 84.0, 85.0, 87.0]}
    made = _swept(synthetic, "digits", "adam", adam, test_accuracy=None)
    return made + _swept(synthetic, "digits", "my.module:mine", mine, test_accuracy=None)


def test_each_optimizer_stands_at_its_best_rate_paired_by_seed(sweep):
    ((found,), notes) = comparison.tables(summaries.entries(sweep), "adam")
    base, mine = found.rows
    assert base[:2] == ("Adam", "= 82.00 ± 1.96, lr 0.001")
    assert mine[:2] == ("my.module:mine", f"+2.20 ± 0.56, lr 0.003{EDGE}")
    assert "minus Adam's" in found.title
    assert "train accuracy" in found.title
    assert any("chosen by mean accuracy on the images trained on" in note for note in notes)
    assert any(note.startswith(EDGE) for note in notes)
    data = found.data[1]
    assert (data["seeds_paired"], data["rates_tried"], data["best_at_edge"]) == (5, 2, True)
    assert data["difference"] == pytest.approx(2.2)
    assert (data["baseline"], data["baseline_learning_rate"]) == ("adam", 0.001)


def test_any_optimizer_can_be_the_baseline(sweep):
    ((found,), _) = comparison.tables(summaries.entries(sweep), "my.module:mine")
    assert "minus my.module:mine's" in found.title
    assert found.rows[0][1] == "-2.20 ± 0.56, lr 0.001"


def test_a_baseline_that_was_not_run_is_an_error_that_names_those_that_were(sweep, folder_of):
    with pytest.raises(ValueError, match=r"baseline is 'adan'.*run: adam, my.module:mine$"):
        report.build(folder_of(sweep), baseline="adan")


def test_a_baseline_may_be_spelled_as_any_command_spells_it(sweep, folder_of):
    """Another order, a default stated; but no rate, for each is compared at its best."""
    folder = folder_of(sweep)
    recorded = report.build(folder, baseline="adam")
    assert report.text(report.build(folder, baseline=" adam:b1=0.90")) == report.text(recorded)
    with pytest.raises(ValueError, match=r"baseline is 'adam:learning_rate=0\.1', expected"):
        report.build(folder, baseline="adam:learning_rate=0.1")


def test_a_baseline_that_some_sections_lack_is_a_note_there(synthetic, folder_of):
    """The convnet has Adam, the transformer has not."""
    there = [synthetic("digits", name) for name in ("adam", "lion")]
    lacking = [synthetic("digits", name, network="vit") for name in ("adamw", "lion")]
    first, second = report.build(folder_of(there + lacking), baseline="adam").sections
    assert any("minus Adam's" in table.title for table in first.tables)
    assert not any("minus" in table.title for table in second.tables)
    assert "No optimizer is compared with adam, which was not run here." in second.notes


def test_without_adam_the_baseline_is_adamw(synthetic):
    entries = summaries.entries([synthetic("digits", "lion"), synthetic("digits", "adamw")])
    assert "minus AdamW's" in comparison.tables(entries, None)[0][0].title


def test_without_either_and_without_a_choice_a_note_says_how_to_compare(synthetic):
    entries = summaries.entries([synthetic("digits", "lion"), synthetic("digits", "swa")])
    found, (note,) = comparison.tables(entries, None)
    assert not found
    assert "--baseline takes lion or swa" in note
    assert [row[0] for row in comparison.tables(entries, "lion")[0][0].rows] == ["Lion", "SWA"]
    assert comparison.tables(summaries.entries([synthetic("digits", "adam")]), None) == ([], [])


def test_without_a_sweep_rates_are_not_called_best(synthetic):
    made = [synthetic("digits", name, seed) for name in ("adam", "lion") for seed in range(5)]
    found, notes = comparison.tables(summaries.entries(made), None)
    assert len(found) == 2  # train and held-out
    assert not any("best" in text for text in (found[0].title, found[1].title, *notes))
    assert ", lr " not in found[0].rows[1][1]


def test_data_sets_without_the_baseline_or_without_common_seeds_have_no_difference(synthetic):
    made = [synthetic("digits", "adam", 0), synthetic("digits", "lion", 1)]
    made += [synthetic("mnist", "lion", 0)]
    (train, _), _ = comparison.tables(summaries.entries(made), None)
    lion = dict(zip(train.header, train.rows[1], strict=True))
    assert (lion["MNIST"], lion["digits"], lion["mean [data sets]"]) == ("–", "–", "–")


def test_fewer_than_five_seeds_show_their_differences(synthetic):
    made = _swept(synthetic, "digits", "adam", {1e-3: [80.0, 81.0]})
    made += _swept(synthetic, "digits", "lion", {1e-3: [82.0, 84.0]})
    (train, _), _ = comparison.tables(summaries.entries(made), None)
    assert train.rows[1][1] == "+2.50 (+2.0, +3.0)"


def test_diverged_runs_at_the_best_rate_are_marked(synthetic):
    made = _swept(synthetic, "digits", "adam", {1e-3: [80.0, 81.0]})
    made += [
        synthetic("digits", "lion", 0, train_accuracy=0.9),
        synthetic("digits", "lion", 1, train_accuracy=0.0, status="diverged", train_loss=[None]),
    ]
    (train, *_), _ = comparison.tables(summaries.entries(made), None)
    assert train.rows[1][1].endswith(" (1†)")
    assert "†" not in train.rows[0][1]
    assert [row["diverged"] for row in train.data] == [0, 1]
