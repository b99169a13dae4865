import io
import re

import numpy as np
from PIL import Image

from experiments.analysis import statistics
from experiments.reports import figures, style


def _some(synthetic):
    return statistics.entries(
        synthetic(dataset, optimizer, seed)
        for dataset in ("fashion_mnist", "digits")
        for optimizer in ("adam", "thermolion", "my.module:mine")
        for seed in range(3)
    )


def test_figures_are_the_same_to_the_last_byte(synthetic):
    for draw in (figures.loss, figures.accuracy):
        assert draw(_some(synthetic)) == draw(_some(synthetic))


def test_a_figure_is_a_picture_with_a_panel_for_each_data_set(synthetic):
    drawn = figures.loss(_some(synthetic))
    with Image.open(io.BytesIO(drawn["png"])) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape[0] > 500
    assert pixels.shape[1] > 1000
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
    svg = drawn["svg"].decode()
    assert len(re.findall(r'<g id="axes_\d+">', svg)) == 2
    assert "<dc:date>" not in svg


def test_colours_of_the_lines_are_the_optimizers(synthetic):
    svg = figures.loss(_some(synthetic))["svg"].decode().lower()
    assert "#d55e00" in svg
    assert "#000000" in svg


def test_losses_that_are_not_finite_and_curves_that_are_short_are_drawn(synthetic):
    entries = statistics.entries(
        [
            synthetic(seed=0, train_loss=[2.0, 1.0, 0.5]),
            synthetic(seed=1, train_loss=[2.0, None, None], status="diverged"),
            synthetic(optimizer="lion", train_loss=[None, None, None], status="diverged"),
            synthetic(optimizer="swa", train_loss=[0.0, 0.0], test_accuracy=None),
        ]
    )
    assert figures.loss(entries)["png"].startswith(b"\x89PNG")
    assert figures.accuracy(entries)["svg"].startswith(b"<?xml")


def test_no_two_rows_look_alike_in_a_sweep(synthetic):
    """0.003 and 0.1 drew the same line and marker for ThermoLion by themselves."""
    entries = statistics.entries(
        synthetic(optimizer="thermolion", hyperparameters={"learning_rate": rate}, changed=changed)
        for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
        for changed in [{} if rate == 1e-3 else {"learning_rate": rate}]
    )
    looks = figures._looks(entries)
    assert len(looks) == 7
    assert looks["ThermoLion"] == style.line("thermolion")
    seen = {(look["color"], look["linestyle"], look["marker"]) for look in looks.values()}
    assert len(seen) == 7
