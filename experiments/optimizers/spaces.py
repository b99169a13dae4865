"""The search space of an optimizer: what is tuned of it, within the bounds of `bounds`.

Everything else is fixed at its default, as is what an optimizer's name sets
("adamw:weight_decay=0"). The learning rate has no bounds here: first a grid centred on the default
finds a centre, then points lie within half a decade of it.

A function of a user's own states its bounds as an attribute, in the same form, which replaces the
table; without it `COMMON` applies to the names that it knows:

    def mine(learning_rate=1e-3, *, b1=0.9, sharpness=2.0): …
    mine.search_space = {"b1": (0.8, 0.98, "log1m"), "sharpness": (0.5, 8.0, "log")}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from experiments.optimizers.bounds import COMMON, ROLES, SMES_DEFAULTS, Bounds, Scale
from experiments.optimizers.overrides import is_number
from experiments.user_code import nearest

Settings = Mapping[str, Any]  # of whatever a function takes

RATE_DECADES = 1.0  # half a decade to either side of the centre
_ROLE_NAMES = ", ".join(" / ".join(names) for names in ROLES)
COORDINATES = 12
"""Of the fair protocol's trial points: a space that needs more could not be searched."""


@dataclass(frozen=True)
class Range:
    """The bounds of one hyperparameter.

    Attributes:
        name: of the hyperparameter.
        default: untuned; 0 on a logarithmic scale says that it is off untuned.
        low: the smallest value tried.
        high: the largest.
        scale: in what a point's coordinate is even: the logarithm of the value ("log"), that of
            1 - value ("log1m") or the value ("linear").
    """

    name: str
    default: float
    low: float
    high: float
    scale: Scale

    def at(self, coordinate: float) -> float:
        """The value at 0 (low) … 1 (high), in four digits, the same on every machine.

        Example:
            >>> Range("b1", 0.9, 0.8, 0.98, "log1m").at(0.5)
            0.93675
        """
        if self.scale == "log":
            return _digits(self.low * (self.high / self.low) ** coordinate)
        if self.scale == "linear":
            return _digits(self.low + (self.high - self.low) * coordinate)
        rest = (1 - self.low) * ((1 - self.high) / (1 - self.low)) ** coordinate
        return round(1 - _digits(rest), 12)


@dataclass(frozen=True)
class Space:
    """What is tuned of an optimizer, and what is not.

    Attributes:
        learning_rate: the default one, the centre of the first grid.
        ranges: of the other hyperparameters tuned, in the order of a point's coordinates.
        fixed: name to value of those that stay as they are.
    """

    learning_rate: float
    ranges: tuple[Range, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, float]:
        """Every hyperparameter tuned, untuned."""
        return {"learning_rate": self.learning_rate} | {r.name: r.default for r in self.ranges}


def of(
    settings: Settings,
    bounds: Mapping[str, Bounds] | None = None,
    *,
    set_by_name: Sequence[str] = (),
    owner: str = "search space",
) -> Space:
    """The search space of an optimizer.

    Args:
        settings: name to default of all it takes, "learning_rate" among them.
        bounds: name to (low, high, scale) of what is tuned besides the rate; None is `COMMON`, as
            far as the optimizer takes these and its defaults lie within.
        set_by_name: what stays fixed whatever the bounds say.
        owner: what error messages name.

    Raises:
        ValueError: bounds that are empty, inverted or of another form, of a hyperparameter that
            there is not, or that the default lies outside of; or of too many hyperparameters.

    Example:
        >>> of({"learning_rate": 1e-3, "b1": 0.9, "nesterov": True}).fixed
        {'nesterov': True}
    """
    if bounds is None:
        stated = {n: b for n, b in COMMON.items() if n in settings and _within(settings[n], b)}
    elif not isinstance(bounds, Mapping):
        raise ValueError(
            f"{owner}: search_space is {bounds!r}, expected a dict of (low, high, scale)"
        )
    else:
        stated = {n: _checked(n, b, settings, set_by_name, owner) for n, b in bounds.items()}
    tuned = [name for name in sorted(stated, key=_role) if name not in set_by_name]
    needed = 1 + max(_places(tuned).values())
    if needed > COORDINATES:
        raise ValueError(
            f"{owner}: search_space tunes {len(tuned)}, {', '.join(tuned)}: with the rate that "
            f"takes points of {needed} coordinates, and they have {COORDINATES}, "
            f"{COORDINATES - 1 - len(ROLES)} of them for what is none of {_ROLE_NAMES}. Leave out "
            f"{needed - COORDINATES}: what it does not name stays at its default"
        )
    return Space(
        settings["learning_rate"],
        tuple(Range(name, float(settings[name]), *stated[name]) for name in tuned),
        {n: v for n, v in settings.items() if n not in tuned and n != "learning_rate"},
    )


def at(space: Space, centre: float, unit_point: Sequence[float]) -> dict[str, float]:
    """The hyperparameters at a point of the unit cube.

    The first coordinate is the rate's, the next four are those of `ROLES`, so that one point
    serves every optimizer; hyperparameters of no role take those behind, in their order.

    Args:
        space: what is tuned.
        centre: the learning rate around which to search.
        unit_point: coordinates in [0, 1]; those of no use here are skipped.

    Returns:
        Name to value, in the order of the coordinates.

    Raises:
        ValueError: a coordinate outside [0, 1], or too few of them.

    Example:
        >>> at(of({"learning_rate": 1e-3, "eps": 1e-8}), 3e-3, [0.5, 0.1, 0.1, 1.0, 0.1])
        {'learning_rate': 0.003, 'eps': 0.0001}
    """
    places = _places([one.name for one in space.ranges])
    if len(unit_point) <= max(places.values()):
        raise ValueError(
            f"a point of {len(unit_point)} coordinates given, but "
            f"{', '.join(places)} need {1 + max(places.values())}"
        )
    if not all(0 <= x <= 1 for x in unit_point):
        raise ValueError(f"unit_point is {list(unit_point)}, but must lie within [0, 1]")
    found = {"learning_rate": _digits(centre * 10 ** (RATE_DECADES * (unit_point[0] - 0.5)))}
    return found | {one.name: one.at(unit_point[places[one.name]]) for one in space.ranges}


def _places(tuned: Sequence[str]) -> dict[str, int]:
    """Which coordinate of a point is whose, the learning rate's included."""
    places, further = {"learning_rate": 0}, 1 + len(ROLES)
    for name in tuned:
        place = 1 + _role(name)
        if place > len(ROLES) or place in places.values():
            place, further = further, further + 1
        places[name] = place
    return places


def in_units_of(space: Space, size: float) -> Space:
    """SMES's space where gradients have the size s.

    A step is m / v^alpha, so the rate's default is 1e-3 · s^(2 alpha - 1), Adam's at alpha = ½,
    and that of eps 1e-2 · s^(2 alpha): what validation prefers at alpha = ¼ (`SMES_DEFAULTS`).
    Weight decay goes against the rate, which multiplies it: their product is everybody's. At
    alpha = 0 eps would only scale the step, so there is none.

    Args:
        space: that of `smes`, whose alpha is fixed.
        size: s, the median of √v̂ over all parameters.

    Raises:
        ValueError: s is not positive, or alpha is not fixed.

    Example:
        >>> smes = of({"learning_rate": 0.03, "b1": 0.9, "alpha": 0.25})
        >>> in_units_of(smes, 1e-4).learning_rate
        0.1
    """
    alpha = space.fixed.get("alpha")
    if not is_number(alpha) or not 0 < size < math.inf:
        raise ValueError(f"alpha is {alpha!r} and the gradients' size {size!r}: numbers are needed")
    units = {"eps": size ** (2 * alpha), "weight_decay": size ** (1 - 2 * alpha)}

    def scaled(one: Range) -> Range:
        unit, default = units.get(one.name), SMES_DEFAULTS.get(one.name, one.default)
        if unit is None:
            return one
        default, low, high = (_digits(value * unit) for value in (default, one.low, one.high))
        return replace(one, default=default, low=low, high=high)

    ranges = [scaled(one) for one in space.ranges if alpha or one.name != "eps"]
    fixed = dict(space.fixed) | ({} if alpha else {"eps": 0.0})
    rate = SMES_DEFAULTS["learning_rate"] * size ** (2 * alpha - 1)
    return Space(_digits(rate), tuple(ranges), fixed)


def _checked(
    name: str,
    given: Any,
    settings: Settings,
    set_by_name: Sequence[str],
    owner: str,
) -> Bounds:
    """The bounds of one hyperparameter, checked."""
    what, scales = f"{owner}: the search space of {name!r}", get_args(Scale)
    if name == "learning_rate":
        raise ValueError(f"{what} is the protocol's: a grid around its default, so leave it out")
    if name not in settings:
        raise ValueError(f"{what}: no such hyperparameter; {nearest(str(name), [*settings])}")
    fits = isinstance(given, tuple | list) and len(given) == 3 and given[2] in scales
    if not fits or not all(is_number(x) and math.isfinite(x) for x in given[:2]):
        raise ValueError(f"{what} is {given!r}, expected (low, high, {' or '.join(scales)})")
    low, high, scale = given
    if not low < high:
        raise ValueError(f"{what} is {'empty' if low == high else 'inverted'}: {low} to {high}")
    if (scale == "log" and low <= 0) or (scale == "log1m" and high >= 1):
        limit = "low must be above 0" if scale == "log" else "high must be below 1"
        raise ValueError(f"{what}, {low} to {high}, is logarithmic ({scale}): {limit}")
    if name not in set_by_name and not _within(settings[name], (low, high, scale)):
        raise ValueError(f"{what}, {low} to {high}, leaves out its default, {settings[name]!r}")
    return low, high, scale


def _within(default: object, bounds: Bounds) -> bool:
    """Whether a default is a number within bounds, or off."""
    low, high, scale = bounds
    return is_number(default) and (low <= default <= high or (scale == "log" and default == 0))


def _role(name: str) -> int:
    """The place of a hyperparameter's role among `ROLES`; behind them all if it has none."""
    return next((i for i, names in enumerate(ROLES) if name in names), len(ROLES))


def _digits(value: float) -> float:
    """In four digits: more would differ in the last place between machines."""
    return float(f"{value:.4g}")
