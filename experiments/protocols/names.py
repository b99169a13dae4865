"""Names as a study takes them: each once, and each file by a name of its own."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path


def recorded_name(name: str) -> str:
    """A data set's name in records: a path to a file loses its folder.

    Example:
        >>> recorded_name("/some/where/signs.npz"), recorded_name("digits")
        ('signs.npz', 'digits')
    """
    return Path(name).name if name.endswith(".npz") else name


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
