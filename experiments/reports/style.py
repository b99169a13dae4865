"""One figure style for reports and notebooks.

Every optimizer always has the same colour, line and marker, whatever else is drawn.
The colours (Paul Tol's "muted" set, black and vermillion) stay apart for colour-blind
readers; line and marker differ as well, so that a grey print can be read.
"""

from __future__ import annotations

import zlib
from contextlib import AbstractContextManager
from typing import Any

import matplotlib

Look = dict[str, Any]
"""Keyword arguments of ``Axes.plot`` and its like."""

Dashes = str | tuple[int, tuple[float, ...]]

# One tuple an optimizer: colour, line, marker. The project's own are drawn strongest.
_STYLES: dict[str, tuple[str, Dashes, str]] = {
    "adam": ("#000000", "-", "o"),
    "adamw": ("#7F7F7F", (0, (6, 2)), "s"),
    "nadamw": ("#0000FF", (0, (4, 2, 1, 2)), "d"),
    "sgd": ("#663300", (0, (7, 1)), "p"),
    "signum": ("#D400FF", (0, (2, 2)), "8"),
    "rmsprop": ("#999933", (0, (1, 1)), "v"),
    "lion": ("#44AA99", (0, (4, 1, 1, 1)), "^"),
    "muadam": ("#332288", (0, (5, 2)), "D"),
    "muon": ("#AA4499", (0, (3, 1, 1, 1, 1, 1)), "P"),
    "lookahead": ("#117733", (0, (2, 1)), "<"),
    "swats": ("#88CCEE", (0, (6, 1, 1, 1)), ">"),
    "swa": ("#DDAA33", (0, (1, 2)), "X"),
    "schedule_free_adamw": ("#77DD55", (0, (5, 1, 2, 1)), "H"),
    "thermolion": ("#D55E00", "-", "*"),
    "smes": ("#0072B2", (0, (8, 2)), "h"),
    "grafted": ("#401040", (0, (3, 1)), "."),
    "scaled_smes": ("#4B1ED2", (0, (5, 1)), "x"),
}
_OTHER_COLOURS = ("#882255", "#CC6677", "#661100", "#6699CC")
_OTHER_LINES = ((0, (3, 2)), (0, (1, 1.5)), (0, (5, 1, 1, 1)), (0, (2, 1, 2, 3)))
_OTHER_MARKERS = ("p", "d", "H", "8", "1", "2", "3", "4")

DPI = 150
"""Dots an inch of a PNG file."""

_RC: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "grid.alpha": 0.3,
    "legend.fontsize": 11,
    "legend.frameon": False,
    # Names inside an SVG come from this salt, not from chance: same figure, same bytes.
    "svg.hashsalt": "thermolion_optax",
}


def context() -> AbstractContextManager[None]:
    """Draw inside this: ``with style.context(): ...`` sets the style and takes it back."""
    return matplotlib.rc_context(_RC)


def line(optimizer: str, label: str = "", shift: int = 0) -> Look:
    """Keyword arguments of ``Axes.plot`` that are an optimizer's for good.

    Args:
        optimizer: a name, a variant ("thermolion:boost=0": its base's colour, another line
            and marker) or an import path.
        label: tells apart rows of one optimizer, such as learning rates.
        shift: another line and marker for a row whose own are taken in the figure; has no effect
            on an optimizer at the protocol's settings.

    Example:
        >>> line("thermolion")["color"], line("thermolion:boost=0")["color"]
        ('#D55E00', '#D55E00')
    """
    base = optimizer.split(":", 1)[0]
    own = _STYLES.get(base)
    if own is not None and optimizer == base and label in ("", optimizer):
        colour, dashes, marker = own
    else:
        number = zlib.crc32((label or optimizer).encode()) + 37 * shift
        colour = own[0] if own else _OTHER_COLOURS[number % len(_OTHER_COLOURS)]
        dashes = _OTHER_LINES[number // 7 % len(_OTHER_LINES)]
        marker = _OTHER_MARKERS[number // 31 % len(_OTHER_MARKERS)]
    strong = base in ("thermolion", "smes")
    return {
        "color": colour,
        "linestyle": dashes,
        "marker": marker,
        "linewidth": 2.4 if strong else 1.5,
        "markersize": 8 if marker == "*" else 5,
    }
