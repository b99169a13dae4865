"""What every figure of a report shares: panels, one look for each row, a legend, the files.

Drawn without pyplot so that nothing global is touched. The same data give the same bytes: no
dates, and names in the SVG from a fixed salt.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from experiments.analysis.summaries import Row
from experiments.reports import style
from experiments.reports.style import Look

COLUMNS = 3

Handle = Any
"""What a legend shows: an artist or, of error bars, a container of several."""


def blank(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def text_width(texts: Iterable[str]) -> float:
    """Inches that the longest of ``texts`` takes at the style's size, about."""
    return 0.085 * max(map(len, texts), default=0)


def panels(
    count: int, height: float, width: float = 4.3, *, in_a_row: int = COLUMNS, **share: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` axes, ``width`` by ``height`` inches each, ``in_a_row`` at most."""
    if count < 1:
        raise ValueError("no data sets to draw")
    rows = math.ceil(count / in_a_row)
    columns = math.ceil(count / rows)  # four stand as two and two
    figure = blank(max(6.4, width * columns), height * rows + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False, **share).ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def is_first(axis: Axes) -> bool:
    """Whether a panel is the first of its row, the one that has the names of the lines."""
    place = axis.get_subplotspec()
    return place is not None and place.is_first_col()


def encode(figure: Figure) -> dict[str, bytes]:
    """The figure as {"png": bytes, "svg": bytes}, without dates."""
    _as_written(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, then drawn alike in both formats
    for axis in figure.axes:  # the layout's last bits differ from time to time, names with them
        left, bottom, width, height = (
            round(side, 9) for side in axis.get_position(original=True).bounds
        )
        axis.set_position((left, bottom, width, height), which="original")
    # `savefig` would draw once more for each format, to measure what is laid out already.
    figure.set_dpi(style.DPI)
    png, svg = io.BytesIO(), io.BytesIO()
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
    return {"png": png.getvalue(), "svg": svg.getvalue()}


def _as_written(figure: Figure) -> None:
    """A $ in a name is a $: Matplotlib would read what stands between two of them as a formula.

    Powers of ten on logarithmic axes are formulas, and stay so.
    """
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    for axis in (one for axes in figure.axes for one in (axes.xaxis, axes.yaxis)):
        if isinstance(axis.get_major_formatter(), LogFormatter):
            for label in axis.get_ticklabels(which="both"):
                label.set_parse_math(True)


def looks_of(called: dict[Row, str]) -> dict[Row, Look]:
    """Every row's colour, line and marker, no two alike; an optimizer's own are its first row's."""
    looks: dict[Row, Look] = {}
    for row, label in called.items():
        # As many tries as there are lines times markers.
        tries = [style.line(row[0]), *(style.line(row[0], label, shift) for shift in range(32))]
        looks[row] = next((look for look in tries if look not in looks.values()), tries[0])
    return looks


def add_legend(figure: Figure, handles: Mapping[str, Handle]) -> None:
    """One legend for all panels, below them, in as many columns as the figure has room for.

    The figure grows by the legend's height, so that the panels keep theirs.
    """
    columns = 3
    while True:
        legend = figure.legend(
            handles.values(),
            handles.keys(),
            loc="outside lower center",
            ncols=columns,
            handlelength=3.5,
        )
        _as_written(figure)
        figure.draw_without_rendering()
        room, size = figure.bbox, legend.get_window_extent()
        if size.width < room.width or columns == 1:
            break
        legend.remove()
        columns -= 1
    width, height = figure.get_size_inches()
    figure.set_size_inches(
        max(width, 1.02 * size.width / figure.dpi), height + size.height / figure.dpi
    )


def handles_of(called: dict[Row, str], looks: dict[Row, Look]) -> dict[str, Line2D]:
    """A legend's entries for rows, by label."""
    return {called[row]: Line2D([], [], **look) for row, look in looks.items()}
