"""Records -> figures: who trains, distortion over depth and over time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from experiments.distortion_study.network import layers
from experiments.distortion_study.outcomes import (
    CHANCE,
    TRAINS,
    RunsByArm,
    accuracies,
    finals,
    networks,
)
from experiments.distortion_study.plan import ALPHAS, GAINS, STRENGTHS, DistortionArm
from experiments.distortion_study.readings import KINDS, distortions, spread, typical
from experiments.distortion_study.record import DistortionRecord
from experiments.reports import canvas, style
from experiments.reports.style import Look

# Dark to light with α, AdamW grey: a line and a marker each, as grey prints need.
_LOOKS: dict[str, Look] = {
    "SGD": {"color": "#663300", "linestyle": ":", "marker": "p"},
    "SMES α=0": {"color": "#440154", "linestyle": "-.", "marker": "v"},
    "SMES α=¼": {"color": "#21918C", "linestyle": "--", "marker": "s"},
    "SMES α=½": {"color": "#DD8800", "linestyle": "-", "marker": "o"},
    "AdamW": {"color": "#777777", "linestyle": (0, (6, 2)), "marker": "D"},
}


# A row of panels for each depth, a column for each initialisation.
_COLUMNS = len(GAINS)


def draw(records: Sequence[DistortionRecord]) -> dict[str, dict[str, bytes]]:
    """Key to figure, as {"png": bytes, "svg": bytes}; none before an arm is complete."""
    found = finals(records)
    if not found:
        return {}
    return {"outcomes": outcomes(found), "depth": over_depth(found), "time": over_time(found)}


def _title(place: tuple[int, str]) -> str:
    return f"{place[0]} layers, {place[1]} initialisation"


def outcomes(found: RunsByArm) -> dict[str, bytes]:
    """Train accuracy of every seed, plain and rescaled, a panel a network."""
    with style.context():
        places = networks(found)
        figure, axes = canvas.panels(len(places), 2.9, 5.0, in_a_row=_COLUMNS, sharex=True)
        handles: dict[str, Line2D] = {}
        for number, (axis, place) in enumerate(zip(axes, places, strict=True)):
            for row, name in enumerate(ALPHAS):
                for strength in STRENGTHS:
                    some = found.get(DistortionArm(*place, name, strength))
                    if not some:
                        continue
                    values = [100 * each for each in accuracies(some)]
                    height = row + (0.17 if strength else -0.17)
                    colour = _LOOKS[name]["color"]
                    filled = "white" if strength else colour
                    label = "each layer rescaled to one size" if strength else "as it is"
                    (mean,) = axis.plot(np.mean(values), height, "|", color=colour, ms=11, mew=1.8)
                    (drawn,) = axis.plot(
                        values, [height] * len(values), "o", color=colour, mfc=filled
                    )
                    handles |= {label: drawn, "mean of the seeds": mean}
            for line in (CHANCE, TRAINS):
                dotted = axis.axvline(100 * line, color="black", linewidth=0.8, linestyle=":")
                handles[f"at chance up to {100 * CHANCE:g} %, trains from {100 * TRAINS:g} %"] = (
                    dotted
                )
            left = number % _COLUMNS == 0
            axis.set_yticks(range(len(ALPHAS)), [*ALPHAS] if left else [""] * len(ALPHAS))
            axis.set_ylim(len(ALPHAS) - 0.5, -0.5)
            axis.set_xlim(0, 100)
            axis.tick_params(labelbottom=True)
            axis.grid(False, axis="y")
            axis.set_title(_title(place))
            axis.set_xlabel("train accuracy, %")
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def over_depth(found: RunsByArm) -> dict[str, bytes]:
    """Each layer's distortion d before the first step, geometric means over the seeds."""
    with style.context():
        places = networks(found)
        figure, axes = canvas.panels(len(places), 2.9, 5.0, in_a_row=_COLUMNS, sharey="col")
        handles: dict[str, Line2D] = {}
        for axis, place in zip(axes, places, strict=True):
            runs = next(some for arm, some in found.items() if (arm.depth, arm.start) == place)
            seeds = [distortions(one.gradients[0]) for one in runs]
            for label, look in zip(KINDS, ("o-", "s--"), strict=True):
                mean = np.exp(np.log([one[label] for one in seeds]).mean(0))
                (handles[label],) = axis.plot(range(1, len(mean) + 1), mean, look)
            handles["each layer rescaled to one size"] = axis.axhline(
                1, color="black", lw=1.2, linestyle=":"
            )
            _log_ticks(axis)
            axis.set_title(_title(place))
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.set_xlabel(f"layer, from the input; {len(layers(place[0]))} is the dense one")
            axis.set_ylabel("gradient's size over the\ngeometric mean of all")
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def over_time(found: RunsByArm) -> dict[str, bytes]:
    """The distortion over all leaves along training, medians over the seeds; a column a start."""
    with style.context():
        starts = [start for start in GAINS if any(arm.start == start for arm in found)]
        depths = sorted({arm.depth for arm in found})
        places = list(itertools.product(depths, STRENGTHS, starts))
        figure, axes = canvas.panels(len(places), 2.9, 5.0, in_a_row=len(starts), sharey="col")
        handles: dict[str, Line2D] = {}
        for axis, (depth, strength, start) in zip(axes, places, strict=True):
            for name, look in _LOOKS.items():
                some = found.get(DistortionArm(depth, start, name, strength), [])
                by_step: dict[int, list[float | None]] = {}
                for one in some:
                    for reading in one.gradients:
                        by_step.setdefault(reading.step, []).append(spread(reading))
                values = {step: typical(each) for step, each in sorted(by_step.items())}
                curve = {step: value for step, value in values.items() if value is not None}
                if curve:
                    drawn = axis.plot([*curve], [*curve.values()], **look, markersize=4)
                    handles[name] = drawn[0]
            _log_ticks(axis)
            axis.set_title(f"{depth} layers, {start}, {'rescaled' if strength else 'as it is'}")
            axis.set_xlabel("step")
            axis.set_ylabel("distortion")
        canvas.add_legend(figure, handles)
        return canvas.encode(figure)


def _log_ticks(axis: Axes) -> None:
    """A logarithmic axis that has numbers on it where it spans less than a decade or two, too."""
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    if high < 100 * low:
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
