"""Within which bounds hyperparameters are tuned: data alone.

One table serves all optimizers, by the name of the hyperparameter, so none gets a wider search
than another; `OWN` has what must differ, with its reason.
"""

from collections.abc import Mapping
from typing import Literal

Scale = Literal["log", "log1m", "linear"]
Bounds = tuple[float, float, Scale]

# 1 - b1 over a decade and 1 - b2 over two: they overlap, so b1 = b2 is within the search. "log1m"
# is even in the logarithm of 1 - b, the inverse of how many steps an average remembers.
_MOMENTUM: Bounds = (0.8, 0.98, "log1m")
_SECOND: Bounds = (0.9, 0.9995, "log1m")
_EPS: Bounds = (1e-9, 1e-4, "log")
_DECAY: Bounds = (1e-3, 1.0, "log")

COMMON: Mapping[str, Bounds] = {
    "b1": _MOMENTUM,
    "momentum": _MOMENTUM,
    "b2": _SECOND,
    "eps": _EPS,
    "weight_decay": _DECAY,
}

OWN: Mapping[str, Mapping[str, Bounds]] = {
    "rmsprop": {"decay": _SECOND, "eps": _EPS},
    # At ten times Adam's rate, and 1 / (1 - 0.9) times that through the momentum.
    "sgd": {"momentum": _MOMENTUM, "weight_decay": (1e-5, 1e-2, "log")},
    # At twenty times Adam's rate.
    "muon": {"beta": _MOMENTUM, "weight_decay": (1e-4, 1e-1, "log")},
    # The eps of gradients of size 1; `in_units_of` has that of others.
    "smes": {"b1": _MOMENTUM, "b2": _SECOND, "eps": (1e-8, 1e-2, "log"), "weight_decay": _DECAY},
}

# For gradients of size 1, untuned: the setting of the best mean rank on validation at alpha = ¼
# (results/smes.md); `from_library.smes` has it for gradients of a typical size.
SMES_DEFAULTS: Mapping[str, float] = {"learning_rate": 1e-3, "eps": 1e-2}

# The coordinates of a point behind the learning rate's. Hyperparameters of one role share one, so
# that a point says the same of every optimizer.
ROLES = (("b1", "momentum", "beta"), ("b2", "decay"), ("eps",), ("weight_decay",))
