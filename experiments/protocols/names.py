"""Names as a study takes them: each once, and each file by a name of its own."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.user_code import nearest


def recorded_name(name: str) -> str:
    """A data set's name in records: a path to a file loses its folder.

    Example:
        >>> recorded_name("/some/where/signs.npz"), recorded_name("digits")
        ('signs.npz', 'digits')
    """
    return Path(name).name if name.endswith(".npz") else name


def base_name(printed: str) -> str:
    """The protocol of a name in records, without what deviates from it.

    Example:
        >>> base_name("fair[budget=half]"), base_name("paper")
        ('fair', 'paper')
    """
    return printed.partition("[")[0]


def check_once(datasets: Sequence[str], given: Mapping[str, Sequence[str]]) -> None:
    """Raises a ValueError for a name that is given twice, as records would keep it.

    Args:
        datasets: names and paths. Of a path records keep the file's name alone.
        given: other names, by what they are of.
    """
    places = [os.path.realpath(one) if one.endswith(".npz") else one for one in datasets]
    for what, names in {"data set": places, **given}.items():
        twice = sorted({one for one in names if list(names).count(one) > 1})
        if twice:
            raise ValueError(f"{what} given twice: {', '.join(twice)}")
    for name, number in Counter(map(recorded_name, datasets)).items():
        if number > 1:
            same = ", ".join(one for one in datasets if recorded_name(one) == name)
            raise ValueError(
                f"{number} data sets would be called {name} in the records: {same}; "
                "give each file a name of its own"
            )


def check_names(
    budget: str,
    budgets: Mapping[str, object],
    datasets: Sequence[str],
    networks: Sequence[str],
    regimes: Sequence[str],
    known: Mapping[str, object],
) -> None:
    """Raises a ValueError for a budget or regime that there is not, or a name given twice."""
    _check("budget", [budget], budgets)
    _check("regime", regimes, known)
    check_once(datasets, {"network": networks, "regime": regimes})


def _check(what: str, given: Sequence[str], known: Mapping[str, object]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}: {nearest(name, [*known])}")
