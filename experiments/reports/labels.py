"""What rows and data sets are called in tables and figures, and in which order they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from experiments.analysis import sweeps
from experiments.analysis.summaries import Entry, Row

OPTIMIZER_TITLES: dict[str, str] = {
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "lion": "Lion",
    "muadam": "MuAdam",
    "lookahead": "Lookahead",
    "swats": "SWATS",
    "swa": "SWA",
    "thermolion": "ThermoLion",
    "sgd": "SGD",
    "nadamw": "NadamW",
    "signum": "Signum",
    "schedule_free_adamw": "schedule-free AdamW",
    "muon": "Muon",
    "smes": "SMES",
    "grafted": "Grafted",
    "scaled_smes": "Scaled SMES",
}
"""Name -> title, in the order of tables; variants and users' optimizers follow, as given."""

DATASET_TITLES: dict[str, str] = {
    "gtsrb": "GTSRB",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "stl10": "STL-10",
    "mnist": "MNIST",
    "fashion_mnist": "F-MNIST",
    "kmnist": "KMNIST",
    "emnist": "EMNIST",
    "qmnist": "QMNIST",
    "semeion": "SEMEION",
    "usps": "USPS",
}
"""Name -> title, in the order of tables; all others follow by name."""


_SAMPLES: dict[str, str] = {"gtsrb32.npz": "GTSRB-32"}
"""Titles of samples of published sets; in tables they stand among the others."""


def optimizer_title(name: str) -> str:
    """An optimizer's name in tables."""
    return OPTIMIZER_TITLES.get(name, name)


def with_network(title: str, network: str) -> str:
    """A title with the network behind it, unless that is the convnet.

    Example:
        >>> with_network("F-MNIST, A", "vit"), with_network("F-MNIST, A", "convnet")
        ('F-MNIST, A, vit', 'F-MNIST, A')
    """
    return title if network == "convnet" else f"{title}, {network}"


def dataset_title(name: str) -> str:
    """A data set's name in tables."""
    return DATASET_TITLES.get(name) or _SAMPLES.get(name, name)


def _place(name: str, titles: dict[str, str]) -> tuple[int, str]:
    return (list(titles).index(name) if name in titles else len(titles), name)


def optimizer_order(names: Iterable[str]) -> list[str]:
    """Optimizers in the order of tables, each once."""
    return sorted(set(names), key=lambda name: _place(name, OPTIMIZER_TITLES))


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by optimizer, then learning rate, then whatever else tells them apart."""

    def place(entry: Entry) -> tuple[object, ...]:
        rate = entry.learning_rate
        return (_place(entry.optimizer, OPTIMIZER_TITLES), rate or 0.0, sweeps.family(entry)[1:])

    return sorted(entries, key=place)


def dataset_order(entries: Iterable[Entry]) -> list[str]:
    """The data sets of some entries, in the order of tables."""
    names = {entry.dataset for entry in entries}
    return sorted(names, key=lambda name: _place(name, DATASET_TITLES))


def labels(entries: Sequence[Entry], *, rates: bool = True) -> dict[Row, str]:
    """Every row's name, in the order of tables, no two alike.

    Stated beside the optimizer are the learning rate where the rates of any two rows differ, and
    whatever else is changed from the protocol's settings or tells rows of one optimizer apart.

    Args:
        entries: all that stand in one table or figure.
        rates: False leaves the learning rate out; rows are then families, see `sweeps.family`.
    """
    firsts: dict[Row, Entry] = {}
    for entry in ordered(entries):
        firsts.setdefault(entry.row if rates else sweeps.family(entry), entry)
    several = rates and len({entry.learning_rate for entry in firsts.values()}) > 1
    values: dict[tuple[str, str], set[object]] = {}
    for entry in firsts.values():
        for name, value in _settings(entry).items():
            values.setdefault((entry.optimizer, name), set()).add(value)
    count = {optimizer: 0 for optimizer, _, _ in firsts}
    for optimizer, _, _ in firsts:
        count[optimizer] += 1

    def stated(entry: Entry, name: str) -> bool:
        if name == "learning_rate":
            return several
        if name.endswith("_source"):  # stated only where one name has several
            return count[entry.optimizer] > 1
        return (
            name not in entry.hyperparameters
            or name in entry.changed
            or (len(values[entry.optimizer, name]) > 1)
        )

    found: dict[Row, str] = {}
    for digits in (3, 6, 17):
        found = {}
        for row, entry in firsts.items():
            settings = _settings(entry).items()
            words = [_words(n, v, digits) for n, v in settings if stated(entry, n)]
            more = f" ({', '.join(words)})" if words else ""
            found[row] = optimizer_title(entry.optimizer) + more
        if len(set(found.values())) == len(found):
            break
    return found


def _settings(entry: Entry) -> dict[str, float | str]:
    rate = {} if entry.learning_rate is None else {"learning_rate": entry.learning_rate}
    return {**rate, **dict(sorted(entry.hyperparameters.items())), **entry.conditions}


def _words(name: str, value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return f"{name.removesuffix('_source')} file {value[:8]}" if "_source" in name else value
    return f"{'lr' if name == 'learning_rate' else name} {value:.{digits}g}"


def disambiguated(name: str, fingerprint: str) -> str:
    """The name of one of several data sets that came under one name.

    Example:
        >>> name = disambiguated("digits", "4e60f1cb95ce72bc")
        >>> name, bare(name)
        ('digits (data 4e60f1cb)', 'digits')
    """
    return f"{name} (data {fingerprint[:8]})"


def bare(name: str) -> str:
    """The name that a data set came under."""
    return name.partition(" (data ")[0]
