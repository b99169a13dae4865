"""What figures are drawn on: panels in a grid, and the same bytes each time."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLUMNS = 3


def blank(width: float, height: float) -> Figure:
    """An empty figure, in inches, made without pyplot so that nothing global is touched."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def text_width(texts: Iterable[str]) -> float:
    """Inches that the longest of ``texts`` takes at the style's size, about."""
    return 0.085 * max(map(len, texts), default=0)


def panels(count: int, height: float, width: float = 4.3, **share: Any) -> tuple[Figure, list[Any]]:
    """A figure with ``count`` axes in rows of three, each ``width`` by ``height`` inches."""
    if count < 1:
        raise ValueError("no data sets to draw")
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    figure = blank(max(6.4, width * columns), height * rows + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False, **share).ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def encode(figure: Figure) -> dict[str, bytes]:
    """The figure as {"png": bytes, "svg": bytes}, without dates."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, then drawn alike in both formats
    files = {}
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata)
        files[kind] = buffer.getvalue()
    return files
