"""Whether a function of a user's own is an optimizer, and the error where it is none."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments.user_code import reported_as, shortened

if TYPE_CHECKING:
    import jax

    from experiments.networks.network import Params
    from experiments.optimizers.types import Build, Built, Hyperparameters


def parameters(factory: object, owner: str) -> dict[str, inspect.Parameter]:
    """What a function takes, all of it by name.

    Raises:
        ValueError: it takes no learning rate, or something by position only.
    """
    wanted = "expected f(learning_rate, *, key=None, …)"
    if not callable(factory):
        raise ValueError(f"{owner} is {shortened(repr(factory))}; {wanted}")
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{owner}: its signature cannot be read; {wanted}") from error
    found, names = dict(signature.parameters), ", ".join(signature.parameters)
    if "learning_rate" not in found:
        raise ValueError(f"{owner} takes no learning_rate, but ({names}); {wanted}")
    if any(p.kind is p.POSITIONAL_ONLY for p in found.values()):
        raise ValueError(f"{owner} takes arguments by position only, ({names}); {wanted}")
    return found


def check_built(built: Any, owner: str) -> Built:
    """What a function returned, if it is an optimizer.

    Raises:
        ValueError: it is none.
    """
    import optax

    is_pair = type(built) is tuple and len(built) == 2 and callable(built[1])
    if isinstance(built[0] if is_pair else built, optax.GradientTransformation):
        return built
    raise ValueError(
        f"{owner} returned {shortened(repr(built))}, expected an optax.GradientTransformation or a "
        "pair of one and eval_params(opt_state, params)"
    )


def try_out(
    build: Build,
    hyperparameters: Mapping[str, float],
    owner: str,
    params: Params | None = None,
    *,
    scheduled: bool = False,
) -> None:
    """Trace two steps and the evaluation, on shapes alone: what would fail in training fails here.

    Args:
        build: makes the optimizer; see `Optimizer.build`.
        hyperparameters: those it is given, traced.
        owner: what error messages name.
        params: a tree like the network's, arrays or `jax.ShapeDtypeStruct`; None is a small one.
        scheduled: give the learning rate as a schedule.

    Raises:
        ValueError: something raises, or returns what is not like the parameters.
    """
    import jax
    import jax.numpy as jnp
    import optax

    if params is None:
        shapes = {"kernel": (3, 3, 2, 4), "bias": (4,), "dense": (5, 4)}
        params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}

    def same(what: str, found: object, given: object, like: str) -> None:
        """Structure, shapes and dtypes: what a loop over steps needs."""
        if jax.tree.structure(found) != jax.tree.structure(given):
            raise ValueError(
                f"{owner}: {what} is {shortened(str(jax.tree.structure(found)))}, expected a tree "
                f"like {like}, {shortened(str(jax.tree.structure(given)))}"
            )
        for (path, one), other in zip(
            jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(given), strict=True
        ):
            a, b = (
                (getattr(x, "dtype", None) or jnp.result_type(x), jnp.shape(x))
                for x in (one, other)
            )
            if a != b:
                raise ValueError(
                    f"{owner}: {what}{jax.tree_util.keystr(path)} is {a[0]} {a[1]}, expected "
                    f"{b[0]} {b[1]} as in {like}"
                )

    def steps(values: Mapping[str, jax.Array], key: jax.Array, params: Params) -> None:
        given: Hyperparameters = values
        if scheduled:
            given = {**values, "learning_rate": lambda count: values["learning_rate"]}
        built: Any = build(given, key, 5, 10)
        made, evaluate = built if type(built) is tuple else (built, None)
        tx = optax.with_extra_args_support(made)
        with reported_as(f"{owner}: init"):
            state = tx.init(params)
        for _ in range(2):
            grads = jax.tree.map(jnp.ones_like, params)
            with reported_as(f"{owner}: update"):
                updates, after = tx.update(grads, state, params, axis=None)
            with reported_as(f"{owner}: adding its updates to the parameters"):
                moved = optax.apply_updates(params, updates)
            same("params + updates", moved, params, "the parameters")
            # Adding has broadcast a smaller update; its dtype may be another.
            shaped = jax.tree.map(lambda u, p: jnp.zeros(jnp.shape(u), p.dtype), updates, params)
            same("the update", shaped, params, "the parameters")
            same("the state after an update", after, state, "the one before")
            params, state = moved, after
        if evaluate is not None:
            with reported_as(f"{owner}: eval_params(opt_state, params)"):
                evaluated = evaluate(state, params)
            same("what eval_params returned", evaluated, params, "the parameters")

    values = {name: jnp.float32(value) for name, value in hyperparameters.items()}
    jax.eval_shape(steps, values, jax.random.key(0), params)
