"""What each change does, as bars; and the axis that figures of paired differences share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.analysis.paired import Difference
from experiments.reports import canvas, style
from experiments.reports.style import Look

# Better, worse, neither; no optimizer's own. In grey the side of 0, fill and words show it.
BETTER, WORSE, NEITHER = "#004488", "#BB5566", "#777777"
_SHADE: Look = {"color": "#DDDDDD", "zorder": 0, "linewidth": 0}


def label_rows(axis: Axes, ticks: Sequence[float], labels: Sequence[str]) -> None:
    """A label a row, the first on top."""
    axis.set_yticks(ticks, labels)
    axis.set_ylim(max(ticks) + 0.6, min(ticks) - 0.6)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")


def shade_around_zero(axis: Axes, delta: float) -> None:
    """±Δ shaded around a line at 0, with both in sight."""
    axis.axvspan(-delta, delta, **_SHADE)
    axis.axvline(0, color="black", linewidth=1, zorder=1)
    low, high = axis.get_xlim()
    axis.set_xlim(min(low, -1.5 * delta), max(high, 1.5 * delta))
    axis.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))


def ablation(
    panels: Mapping[str, Mapping[str, Difference]],
    *,
    delta: float = 1.0,
    against: str = "unchanged",
) -> dict[str, bytes]:
    """What each change costs or brings: a bar a toggle with its interval, a panel a workload.

    Args:
        panels: by title, then by what was changed; changed minus unchanged, in points.
        delta: Δ, shaded.
        against: what each is compared with.

    Returns:
        The figure as {"png": bytes, "svg": bytes}.
    """
    toggles = list(dict.fromkeys(name for some in panels.values() for name in some))
    with style.context():
        figure, axes = canvas.panels(len(panels), 0.9 + 0.36 * len(toggles), sharex=True)
        for axis, (title, found) in zip(axes, panels.items(), strict=True):
            for name, each in found.items():
                sign = BETTER if each.mean > 0 else WORSE
                colour = sign if each.excludes_zero else NEITHER
                axis.barh(
                    toggles.index(name),
                    each.mean,
                    height=0.62,
                    color=colour,
                    zorder=2,
                    xerr=each.half,
                    error_kw={"capsize": 3, "elinewidth": 1.5},
                )
            names = toggles if canvas.is_first(axis) else [""] * len(toggles)
            label_rows(axis, range(len(toggles)), names)
            axis.set_title(title)
            axis.tick_params(labelbottom=True)  # below it there may be no other
            axis.set_xlabel(
                f"← worse         better →\npoints against {against}, ±{delta:g} shaded"
            )
        for axis in axes:  # once all bars are there: the panels share their scale
            shade_around_zero(axis, delta)
        return canvas.encode(figure)
