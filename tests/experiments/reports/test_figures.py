import io
import re

import numpy as np
from PIL import Image

from experiments.analysis import summaries
from experiments.reports import canvas, figures, labels, style


def _some(synthetic):
    return summaries.entries(
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
    entries = summaries.entries(
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
    """0.003 and 0.1 drew the same line and marker by themselves, two rates of SMES likewise."""
    entries = summaries.entries(
        synthetic(optimizer=optimizer, hyperparameters={"learning_rate": rate})
        for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
        for optimizer in ("thermolion", "smes")
    )
    called = labels.labels(entries)
    looks = canvas.looks_of(called)
    assert len(looks) == 14
    assert looks[next(iter(called))] == style.line("thermolion")
    seen = {(look["color"], look["linestyle"], look["marker"]) for look in looks.values()}
    assert len(seen) == 14


def _sizes(figure):
    with Image.open(io.BytesIO(figure["png"])) as image:
        return np.asarray(image.convert("L")) < 250


def test_a_legend_of_nine_long_names_is_whole(synthetic):
    """It was cut off on both sides of a figure of one panel."""
    entries = summaries.entries(
        synthetic("digits", f"my.module:an_optimizer_of_a_very_long_name_{i}") for i in range(9)
    )
    for draw in (figures.loss, figures.accuracy):
        drawn = _sizes(draw(entries))
        edges = [drawn[:, 0], drawn[:, -1], drawn[0], drawn[-1]]
        assert not any(edge.any() for edge in edges)
    svg = figures.loss(entries)["svg"].decode()
    assert len(re.findall(r'<g id="legend_1">', svg)) == 1


def test_panels_keep_their_height_however_long_the_legend(synthetic):
    def height(count):
        entries = summaries.entries(
            synthetic("digits", f"my.module:an_optimizer_of_a_very_long_name_{i}")
            for i in range(count)
        )
        svg = figures.loss(entries)["svg"].decode()
        (path,) = re.findall(r'<g id="patch_2">\s*<path d="([^"]*)"', svg)
        ys = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
        return max(ys) - min(ys)

    assert height(12) > 0.95 * height(2)


def test_a_sweep_is_drawn_with_every_optimizers_best_rate_marked(synthetic):
    entries = summaries.entries(
        synthetic("digits", optimizer, seed, hyperparameters={"learning_rate": rate})
        for optimizer in ("adam", "thermolion")
        for rate in (1e-4, 1e-3, 1e-2)
        for seed in range(3)
    )
    assert figures.rates(entries) == figures.rates(entries)
    svg = figures.rates(entries)["svg"].decode()
    assert len(re.findall(r'id="(?:FillBetween)?PolyCollection_\d+"', svg)) == 2


def test_an_optimizer_without_a_rate_and_a_single_run_are_drawn(synthetic):
    entries = summaries.entries(
        [
            synthetic("digits", "mine:f", hyperparameters={}),
            synthetic("digits", "adam", hyperparameters={"learning_rate": 0.1}),
        ]
    )
    for draw in (figures.rates, figures.accuracy, figures.loss):
        assert draw(entries)["png"].startswith(b"\x89PNG")


def _accuracies(synthetic, worst, seeds=5):
    return summaries.entries(
        synthetic("digits", name, seed, train_accuracy=level + 0.01 * seed, test_accuracy=level)
        for name, level in (("adam", 0.8), ("lion", 0.85), ("muon", 0.9), ("swa", worst))
        for seed in range(seeds)
    )


def test_what_would_double_the_axis_stands_beside_it_in_numbers(synthetic):
    svg = figures.accuracy(_accuracies(synthetic, 0.2))["svg"].decode()
    assert "<!-- 22.0 ± 2.0 / 20.0 -->" in svg
    assert "<!-- left of the axis: trained on / held out -->" in svg
    assert "<!-- 60 -->" not in svg
    svg = figures.accuracy(_accuracies(synthetic, 0.2, seeds=3))["svg"].decode()
    assert "<!-- 21.0 / 20.0 -->" in svg  # too few seeds for an interval, as with all others
    svg = figures.accuracy(_accuracies(synthetic, 0.72))["svg"].decode()
    assert "left of the axis" not in svg


def test_at_most_a_quarter_of_the_means_is_not_shown():
    assert figures.lowest_shown([20.0, 21.0, 80.0, 81.0]) == 20.0
    assert figures.lowest_shown([5.0, 6.0, 40.0, *range(80, 90)]) == 80.0
    assert figures.lowest_shown([50.0]) == 50.0


def test_names_in_the_svg_do_not_hang_on_the_layouts_last_bits():
    """The layout's solver gave 0.1 and 0.1 + 1e-16, and clip paths are named by such numbers."""

    def drawn(shift):
        with style.context():
            figure = canvas.blank(4, 3)
            axis = figure.add_axes((0.1 + shift, 0.1, 0.8, 0.8))
            axis.plot([0, 1], [0, 1])
            figure.set_layout_engine("none")
            return canvas.encode(figure)["svg"]

    assert drawn(0) == drawn(1e-14)


def test_a_dollar_in_a_name_is_no_formula(synthetic):
    """Of a file or an optimizer's setting; Matplotlib raises where it cannot read the formula."""
    made = [synthetic("we$x^$.npz", name, seed=0) for name in ("adam", "mine:opt:tag=$x^$")]
    for draw in (figures.loss, figures.accuracy):
        svg = draw(summaries.entries(made))["svg"].decode()
        assert "we$x^$.npz" in svg
        assert "tag=$x^$" in svg


def test_powers_of_ten_stay_formulas():
    with style.context():
        figure, (axis,) = canvas.panels(1, 3)
        axis.set_title("$x^$")
        axis.set_xscale("log")
        canvas.encode(figure)
    labels = axis.get_xticklabels()
    assert all(one.get_parse_math() for one in labels if "mathdefault" in one.get_text())
    assert any("mathdefault" in one.get_text() for one in labels)
