import numpy as np
import optax
import pytest

from experiments.gate_study import landscapes, notebook_figures, phases, telemetry_figures
from experiments.gate_study.phases import Driven, Watched
from thermolion_optax import thermolion

TITLES = ("right", "wrong")
PARTS = ["conv.kernel", "dense.kernel"]


@pytest.fixture
def runs():
    """Two made-up runs; the noise of the second is off from its third record on."""
    steps, ones = np.array([4, 8, 12, 16]), np.linspace(0.2, 0.5, 4)
    found = {}
    for number, title in enumerate(TITLES, start=1):
        log = {"temperature/all": 1 - steps / 20}
        for part in ["all", *PARTS]:
            for name in (
                "gate_mean",
                "gas_share",
                "alignment_rate",
                "zero_gradient_share",
                "noise_std",
            ):
                log[f"{name}/{part}"] = ones / number
            for q in (0.05, 0.25, 0.5, 0.75, 0.95):
                log[f"snr_quantiles/{part}/{q:g}"] = ones * q
        found[title] = Watched(steps, 2.0 * ones * number, log)
    found["wrong"].log["noise_std/dense.kernel"] = np.array([0.2, 0.1, 0.0, 0.0])
    return found


@pytest.fixture
def driven():
    stream = phases.noisy_gradients(np.linspace(0, 3, 12), 4)
    return phases.drive(thermolion(1.0, temperature=0.0, weight_decay=0.0), stream)


def walks():
    return [
        (
            surface.name,
            surface,
            {
                name: landscapes.follow(tx, surface, 5)
                for name, tx in {"adam": optax.adam(0.1), "lion": optax.lion(0.1)}.items()
            },
        )
        for surface in (landscapes.SMOOTH, landscapes.RUGGED)
    ]


def every_figure(runs, driven):
    rho = np.linspace(0, 2, 9)
    streams = {"one": {"ThermoLion": ("thermolion", driven)}, "two": {"Adam": ("adam", driven)}}
    return {
        "updates": notebook_figures.updates({"Lion": ("lion", rho, rho * 0 + 1)}, rms=0.5),
        "first_steps": notebook_figures.first_steps(streams),
        "way": notebook_figures.way(driven, np.linspace(0, 3, 12)),
        "paths": notebook_figures.paths(walks()),
        "heights": notebook_figures.heights(walks()),
        "layers": telemetry_figures.layers(runs, PARTS),
        "ratios": telemetry_figures.ratios(runs, PARTS),
        "temperature": telemetry_figures.temperature(runs, PARTS),
        "compare": telemetry_figures.compare(runs, {"gate_mean/all": "mean λ"}),
    }


@pytest.mark.slow
def test_every_figure_says_what_its_axes_are_and_can_be_shown(runs, driven):
    for name, figure in every_figure(runs, driven).items():
        axes = np.array(figure.axes)
        assert [axis for axis in axes if axis.get_xlabel()], name
        assert [axis for axis in axes if axis.get_ylabel()], name
        data, size = figure._repr_png_()
        assert data[:8] == b"\x89PNG\r\n\x1a\n", name
        assert size["width"] <= 900, name  # fits the column of a notebook


def test_the_same_numbers_give_the_same_bytes(runs):
    first, second = (telemetry_figures.layers(runs, PARTS)._repr_png_()[0] for _ in range(2))
    assert first == second


def drawn(axis):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axis.get_lines()}


def test_updates_draws_what_it_is_given():
    rho = np.linspace(0, 2, 9)
    figure = notebook_figures.updates(
        {"Adam": ("adam", rho, rho), "Lion": ("lion", rho, rho * 0 + 1)}, rms=0.25
    )
    (axis,) = figure.axes
    np.testing.assert_array_equal(drawn(axis)["Adam"], rho)
    np.testing.assert_array_equal(drawn(axis)["Lion"], 1)
    assert "√v = 0.25" in axis.get_title()
    colours = [line.get_color() for line in axis.get_lines()]
    assert len(set(colours)) == 2


def test_first_steps_draws_the_median_of_the_absolute_updates(driven):
    figure = notebook_figures.first_steps({"noisy": {"ThermoLion": ("thermolion", driven)}})
    lines = drawn(figure.axes[0])
    np.testing.assert_allclose(lines["ThermoLion"], np.median(np.abs(driven.updates), axis=1))


def test_the_way_is_that_of_the_first_parameter():
    columns = (np.ones((3, 2)), np.ones((3, 2)), np.array([[0.1, 9.0]] * 3), np.ones((3, 2)) > 0)
    figure = notebook_figures.way(Driven(*columns), np.zeros(3))
    np.testing.assert_allclose(drawn(figure.axes[1])["λ = tanh ρ"], np.tanh(0.1))


def test_paths_and_heights_are_those_of_the_walk():
    smooth = walks()[:1]
    path = smooth[0][2]["adam"]
    lines = drawn(notebook_figures.paths(smooth).axes[0])
    np.testing.assert_array_equal(lines["adam"], path.points[:, 1])
    np.testing.assert_array_equal(
        drawn(notebook_figures.heights(smooth).axes[0])["adam"], path.heights
    )


def test_runs_stand_side_by_side_on_shared_scales(runs):
    figure = telemetry_figures.layers(runs, PARTS)
    left, right = figure.axes[:2]
    assert [left.get_title(), right.get_title()] == list(TITLES)
    assert left.get_ylim() == right.get_ylim()
    for axis, title in ((left, "right"), (right, "wrong")):
        for part in PARTS:
            np.testing.assert_array_equal(
                drawn(axis)[part], runs[title].log[f"gate_mean/{part}"], err_msg=title
            )


def test_every_point_of_the_loss_is_inside_its_axis(runs):
    axes = telemetry_figures.temperature(runs, PARTS).axes[:2]
    for axis, run in zip(axes, runs.values(), strict=True):
        low, high = axis.get_ylim()
        assert low == 0
        assert run.loss.max() <= high


def test_noise_that_is_off_is_not_drawn(runs):
    bottom = telemetry_figures.temperature(runs, PARTS).axes[-1]
    np.testing.assert_array_equal(drawn(bottom)["dense.kernel"], [0.2, 0.1, np.nan, np.nan])


def test_compare_puts_the_runs_on_one_axis(runs):
    axis = telemetry_figures.compare(runs, {"gate_mean/all": "mean λ"}).axes[0]
    for title, run in runs.items():
        np.testing.assert_array_equal(drawn(axis)[title], run.log["gate_mean/all"])
