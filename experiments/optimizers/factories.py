"""Every optimizer of the benchmark by its name.

A public function of `from_optax` or `from_library` is an optimizer: its name is the optimizer's,
its arguments are its hyperparameters and their defaults its settings. The first line of its
docstring is what tables say about it.
"""

from collections.abc import Callable, Mapping
from inspect import isfunction

from experiments.optimizers import from_library, from_optax

FACTORIES: Mapping[str, Callable[..., object]] = {
    name: function
    for module in (from_optax, from_library)
    for name, function in vars(module).items()
    if isfunction(function) and function.__module__ == module.__name__ and name[0] != "_"
}
