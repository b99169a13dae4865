"""From the text that names an optimizer to one that can be trained, without loading JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import Parameter, getdoc
from typing import TYPE_CHECKING

from experiments import user_code
from experiments.optimizers import overrides as texts
from experiments.optimizers import spaces, user_optimizer
from experiments.optimizers.bounds import OWN
from experiments.optimizers.factories import FACTORIES

if TYPE_CHECKING:
    from experiments.networks.network import Params
    from experiments.optimizers.types import Build, Built, Hyperparameters, Key

NAMES: tuple[str, ...] = tuple(FACTORIES)
DEFAULT_LEARNING_RATE = 1e-3
_FROM_RUN = ("key", "steps_per_epoch", "total_steps")


@dataclass(frozen=True)
class Optimizer:
    """An optimizer that can be trained.

    Attributes:
        name: the canonical text: what it changes of the defaults but the learning rate, in one
            order and one spelling of numbers. With `hyperparameters` it says everything.
        build: `build(hyperparameters, key, steps_per_epoch, total_steps)` makes the
            transformation, or a pair of it and `eval_params(opt_state, params)`.
            Hyperparameters go before overrides, overrides before defaults; they may be traced,
            and the learning rate may be a schedule.
        hyperparameters: those that a run passes to `build` by default: the learning rate.
        overrides: what the name changes, Python values.
        space: what is tuned of it, and within which bounds.
        note: one line on what it is, with its settings.
        source: of one that is imported, the first 16 hex digits of its module's sha256.
        states_rate: whether the text given states a learning rate.
    """

    name: str
    build: Build = field(repr=False)
    hyperparameters: dict[str, float]
    overrides: dict[str, texts.Value]
    space: spaces.Space = field(repr=False)
    note: str
    source: str | None = None
    states_rate: bool = False

    @property
    def defaults(self) -> dict[str, float]:
        """The default of every hyperparameter in its search space."""
        return self.space.defaults

    def check(self, params: Params | None = None, *, scheduled: bool = False) -> None:
        """Trace two steps on shapes alone, so that what fails fails before any training.

        Args:
            params: a tree like the network's, arrays or `jax.ShapeDtypeStruct`; None is a small
                one with names of its own.
            scheduled: give the learning rate as a schedule.

        Raises:
            ValueError: it cannot be built, its update or eval_params raises, or returns what is
                not like the parameters.
        """
        user_optimizer.try_out(
            self.build, self.defaults, f"optimizer {self.name!r}", params, scheduled=scheduled
        )


def resolve(spec: str) -> Optimizer:
    """The optimizer of that name or import path, overrides included.

    Args:
        spec: "name", "name:override=value,…", "package.module:function" or
            "package.module:function:override=value,…". Values are numbers, true, false, none
            and, failing these, text.

    Raises:
        ValueError: an unknown name, override or function, a value that does not fit, a search
            space that is none, or a function with a signature that cannot be called with a
            learning rate. A user's own function is not called yet: `Optimizer.check` does.

    Example:
        >>> resolve("thermolion: temperature=0.0, boost=0").name
        'thermolion:boost=0,temperature=0'
        >>> optimizer = resolve("lion:learning_rate=3e-4")
        >>> optimizer.name, optimizer.hyperparameters
        ('lion', {'learning_rate': 0.0003})
    """
    spec = spec.strip()
    head, *rest = (part.strip() for part in spec.split(":"))
    owner = f"optimizer {spec!r}"
    if head in FACTORIES:
        factory, title = FACTORIES[head], head
    elif rest and "=" not in rest[0]:
        title = f"{head}:{rest[0]}"
        factory = user_code.load(head, rest.pop(0), owner, NAMES)
    else:
        raise ValueError(
            f"{owner} is unknown; {user_code.nearest(head, NAMES)}, "
            "or your own as package.module:function"
        )
    if len(rest) > 1 or rest == [""]:
        raise ValueError(f"{owner}: expected one list of overrides, name=value,name=value")
    parameters = user_optimizer.parameters(factory, owner)
    given = texts.parse(rest[0], parameters, _open(parameters), owner) if rest else {}
    missing = [
        name
        for name in _open(parameters)
        if parameters[name].default is Parameter.empty and name not in {"learning_rate", *given}
    ]
    if missing:
        raise ValueError(
            f"{owner} needs {', '.join(missing)}, which have no default: give them in its name, "
            f"{spec}:{missing[0]}=…"
        )
    settings = {name: parameters[name].default for name in _open(parameters)} | given
    if not texts.is_number(settings["learning_rate"]):
        settings["learning_rate"] = DEFAULT_LEARNING_RATE
    rate = texts.check_learning_rate(settings["learning_rate"], f"{owner}: learning_rate")
    changed = texts.canonical(given, parameters)
    changed.pop("learning_rate", None)
    name = f"{title}:{texts.spelled(changed)}" if changed else title
    bounds = OWN.get(head) if head in FACTORIES else getattr(factory, "search_space", None)
    optimizer = Optimizer(
        name=name,
        build=partial(_build, owner, factory, parameters, changed | {"learning_rate": rate}),
        hyperparameters={"learning_rate": rate},
        overrides=changed,
        space=spaces.of(
            settings | {"learning_rate": rate}, bounds, set_by_name=tuple(changed), owner=owner
        ),
        note=_note(factory, title, settings),
        source=None if head in FACTORIES else user_code.fingerprint(head),
        states_rate="learning_rate" in given,
    )
    if head in FACTORIES and changed:
        # A value that the optimizer refuses should fail now, not after other runs.
        optimizer.build(optimizer.hyperparameters, 0, 1, 2)
    return optimizer


def _build(
    owner: str,
    factory: Callable[..., object],
    parameters: Mapping[str, Parameter],
    settings: Mapping[str, object],
    hyperparameters: Hyperparameters,
    key: Key,
    steps_per_epoch: int,
    total_steps: int,
) -> Built:
    """Calls the factory with what it takes and checks what comes back."""
    texts.check_known(hyperparameters, parameters, _open(parameters), owner)
    run = {"key": key, "steps_per_epoch": steps_per_epoch, "total_steps": total_steps}
    arguments = {name: value for name, value in run.items() if name in parameters}
    try:
        built = factory(**{**arguments, **settings, **hyperparameters})
    except (Exception, SystemExit) as error:
        hint = ""
        if callable(hyperparameters.get("learning_rate")):
            hint = (
                "; here learning_rate is a schedule, a function of the step's number, such as "
                "optax.scale_by_learning_rate takes"
            )
        raise ValueError(f"{owner}: {user_code.reason(error)}{hint}") from error
    return user_optimizer.check_built(built, owner)


def _open(parameters: Mapping[str, Parameter]) -> list[str]:
    """The names that overrides and hyperparameters may set."""
    return [
        name
        for name, p in parameters.items()
        if name not in _FROM_RUN and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def _note(factory: Callable[..., object], title: str, settings: Mapping[str, object]) -> str:
    """The first line of the factory's documentation, and every setting it runs with."""
    first = (getdoc(factory) or title).splitlines()[0].rstrip(".")
    text = ", ".join(
        f"{name}={value:g}" if texts.is_number(value) else f"{name}={value}"
        for name, value in settings.items()
    )
    return f"{first} ({text})"
