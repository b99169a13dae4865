import io

import numpy as np
import pytest
from PIL import Image

from experiments.gate_study import results_view
from experiments.reports import figures


@pytest.fixture
def entries(synthetic, folder_of):
    made = [
        synthetic(dataset, optimizer, seed)
        for dataset in ("digits", "fashion_mnist")
        for optimizer in ("adam", "thermolion")
        for seed in range(2)
    ]
    return results_view.load(folder_of(made))[0]


def test_what_a_folder_holds_is_counted(synthetic, folder_of):
    made = [synthetic("fashion_mnist", "adam", seed) for seed in range(3)]
    found, words = results_view.load(folder_of([*made, synthetic("digits", "lion")]))
    assert sorted((entry.dataset, entry.optimizer, entry.train.n) for entry in found) == [
        ("digits", "lion", 1),
        ("fashion_mnist", "adam", 3),
    ]
    assert "4 runs" in str(words)
    assert "`adam` | 3 |" in str(words)
    assert "`lion` | 1 |" in words._repr_markdown_()


@pytest.mark.parametrize("made", [True, False])
def test_an_empty_or_absent_folder_names_the_command(tmp_path, made):
    folder = tmp_path / "records"
    if made:
        folder.mkdir()
    found, words = results_view.load(folder)
    assert found == []
    assert "python -m experiments run --protocol paper --datasets digits" in str(words)
    assert f"--out {folder}" in str(words)


def test_nothing_is_shown_of_nothing():
    chosen = results_view.choose([], datasets=["mnist"])
    assert chosen == []
    for shown in (
        results_view.accuracy(chosen),
        results_view.seconds(chosen),
        results_view.remarks(chosen),
        results_view.picture(chosen, "loss"),
    ):
        assert shown is results_view.NOTHING


def test_data_sets_and_optimizers_are_picked(entries):
    one = results_view.choose(entries, datasets=["digits"], optimizers=["thermolion"])
    assert [(entry.dataset, entry.optimizer) for entry in one] == [("digits", "thermolion")]
    assert len(results_view.choose(entries)) == 4
    text = str(results_view.accuracy(one))
    assert "ThermoLion" in text
    assert "Adam " not in text.replace("Adam's", "")


def test_protocols_are_not_mixed(synthetic, folder_of):
    made = [
        synthetic("digits", "adam", protocol="zeta"),
        synthetic("digits", "lion", protocol="paper", protocol_version=1),
        synthetic("digits", "swa", protocol="paper", protocol_version=2),
    ]
    found, words = results_view.load(folder_of(made))
    assert [entry.optimizer for entry in results_view.choose(found)] == ["swa"]
    assert [e.optimizer for e in results_view.choose(found, protocol="zeta")] == ["adam"]
    for protocol in ("paper, version 1", "paper, version 2", "zeta, version 1"):
        assert protocol in str(words)


def test_networks_share_neither_a_count_nor_a_table(synthetic, folder_of):
    found, words = results_view.load(
        folder_of([synthetic("digits", "adam", 0), synthetic("digits", "adam", 1, network="vit")])
    )
    assert "| paper, version 1, network vit | digits | `adam` | 1 |" in str(words)
    assert str(results_view.accuracy(found)).count("### ") == 2
    for network, title in ((None, "between runs\n"), ("vit", "between runs [network vit]\n")):
        chosen = results_view.choose(found, network=network)
        assert len(chosen) == 1
        assert title in str(results_view.accuracy(chosen))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"datasets": ["digit"]}, "no records of data set 'digit'; did you mean digits"),
        ({"optimizers": ["adan"]}, "no records of optimizer 'adan'; did you mean adam"),
        ({"protocol": "papers"}, "no records of protocol 'papers'; did you mean paper"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(entries, choice, message):
    with pytest.raises(ValueError, match=message):
        results_view.choose(entries, **choice)


def test_tables_and_pictures_are_those_of_the_report(entries):
    assert str(results_view.accuracy(entries)).count("### ") == 2
    assert "fits, not how well the network generalises" in str(results_view.remarks(entries))
    assert "Seconds of a training run" in str(results_view.seconds(entries))
    assert str(results_view.compared(entries)).count("minus Adam's") == 2
    png, size = results_view.picture(entries, "loss")._repr_png_()
    shown, drawn = (
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), np.float64)
        for each in (png, figures.loss(entries)["png"])
    )
    assert abs(shown - drawn).mean() < 1.0  # of 255: the notebook's has 128 colours
    assert 300 < size["width"] < 1200


def test_one_record_is_enough(synthetic, folder_of):
    found, _ = results_view.load(folder_of([synthetic("digits", "thermolion")]))
    assert "ThermoLion" in str(results_view.accuracy(found))
    assert results_view.picture(found, "accuracy")._repr_png_()[0][:4] == b"\x89PNG"
