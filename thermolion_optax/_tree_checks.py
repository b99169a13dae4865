"""What a tree must be: errors that name the leaf, what it is and what it should be."""

from typing import Any

import jax
import jax.numpy as jnp

from thermolion_optax._trees import KeyPath, is_array, is_masked, leaves_with_path

SAME_MASK = "Call tx.init with the same tree (and the same mask) that tx.update gets."
LIKE_UPDATES = "It must be a tree like the updates."
INITIALISED = "the state was initialised with"
THESE_PARAMETERS = "Call tx.init with the parameters that these gradients belong to."


def unwrap(owner: str, name: str, tree: Any) -> Any:
    """The tree with arrays where a framework has wrapped them (a Flax NNX Variable, by its face).

    Whole states and gradients then compare by names and shapes, whatever class the wrapper has.
    """
    check_flattens(owner, name, tree)
    return jax.tree.map(lambda x: x.get_value() if _is_wrapped(x) else x, tree, is_leaf=_is_wrapped)


def _is_wrapped(x: Any) -> bool:
    return hasattr(x, "get_value") and not isinstance(x, jax.Array)


def check_flattens(owner: str, name: str, tree: Any) -> None:
    """Raises a TypeError if ``tree`` is none to JAX: dictionaries whose keys cannot be sorted."""
    try:
        jax.tree.structure(tree)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{owner}: {name} cannot be flattened by JAX: {error}") from None


def check_structure(
    owner: str,
    name: str,
    tree: Any,
    reference: Any,
    of: str = "the updates",
    hint: str = SAME_MASK,
) -> None:
    """Raises a ValueError unless ``tree`` fits ``reference``, which the message calls ``of``."""
    check_flattens(owner, of, reference)
    check_flattens(owner, name, tree)
    where = first_difference(name, tree, reference, of)
    if where is not None:
        raise ValueError(f"{owner}: {name} does not have the structure of {of}: {where}. {hint}")


def first_difference(
    name: str, tree: Any, reference: Any, of: str, *, prefix: bool = False
) -> str | None:
    """Where ``tree`` first does not fit ``reference``, in words; None where it fits.

    A masked leaf fits whatever stands in its place; in a ``prefix``, every leaf does.
    """
    if is_masked(reference) and not prefix:
        return None
    wanted, found = _children(reference), _children(tree)
    if wanted is None:
        fits = prefix or found is None or is_masked(tree)
        return None if fits else f"{name} is {_kind(tree)}, but {_kind(reference)} in {of}"
    if found is None or type(tree) is not type(reference):
        return f"{name} is {_kind(tree)}, but {_kind(reference)} in {of}"
    for key in wanted:
        if key not in found:
            return f"{name}{key} is missing"
    for key in found:
        if key not in wanted:
            return f"{name}{key} is not in {of}"
    for key, child in wanted.items():
        deeper = first_difference(name + key, found[key], child, of, prefix=prefix)
        if deeper is not None:
            return deeper
    same = _one_level(tree)[1] == _one_level(reference)[1]
    return None if same else f"{name} has other static fields than in {of}"


def _children(node: Any) -> dict[str, Any] | None:
    """What a node holds, by the key that leads there; None for a leaf."""
    children, _ = _one_level(node)
    if any(child is node for _, child in children):
        return None
    return {jax.tree_util.keystr(path): child for path, child in children}


def _one_level(node: Any) -> tuple[list[tuple[KeyPath, Any]], Any]:
    return jax.tree_util.tree_flatten_with_path(node, is_leaf=lambda x: x is not node)


def _kind(x: Any) -> str:
    return "an array" if is_array(x) else article(type(x).__name__)


def article(noun: str) -> str:
    """The noun with its article."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def shown(value: Any) -> str:
    """The value in a message: no more than a line of it, and of a number without end nothing."""
    try:
        text = repr(value)
    except Exception:  # Python prints no integer of more than 4,300 digits; others' may fail, too
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


def check_leaves(owner: str, name: str, tree: Any) -> None:
    """Raises a TypeError unless every leaf is masked or a real floating-point array or number."""
    if tree is None:
        raise TypeError(f"{owner}: {name} is None, but must be a tree of arrays.")
    check_flattens(owner, name, tree)
    for path, leaf in leaves_with_path(tree):
        check_leaf(owner, name, path, leaf)


def check_leaf(owner: str, name: str, path: KeyPath, leaf: Any, least_bits: int = 16) -> None:
    """Raises a TypeError unless ``leaf`` is a real floating-point array or Python float."""
    if isinstance(leaf, float):
        return
    where = f"{owner}: {name}{jax.tree_util.keystr(path)}"
    if isinstance(leaf, int):
        raise TypeError(
            f"{where} is the Python {type(leaf).__name__} {shown(leaf)}, but must be floating "
            "point: write it with a decimal point, or as a jnp.float32."
        )
    if not is_array(leaf) and not isinstance(leaf, complex):
        raise TypeError(
            f"{where} is of type {type(leaf).__name__}, but must be an array of real "
            "floating-point numbers. Filter the tree (for equinox: "
            "eqx.filter(model, eqx.is_inexact_array)), or mask the leaf with optax.masked."
        )
    dtype = getattr(leaf, "dtype", None) or jnp.result_type(leaf)  # a Python complex has none
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise TypeError(
            f"{where} is complex ({dtype}), but must be real. Split it into real and imaginary "
            "part, e.g. with optax.contrib.split_real_and_imaginary."
        )
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(
            f"{where} has dtype {dtype}, but must be floating point. "
            "Mask the leaf with optax.masked, or leave it out of the tree."
        )
    if jnp.finfo(dtype).bits < least_bits:
        raise TypeError(
            f"{where} has dtype {dtype}, but must have at least {least_bits} bits: JAX does not "
            "compute with fewer. Keep such parameters in bfloat16, or mask them with optax.masked."
        )


def check_shape(
    owner: str, name: str, path: KeyPath, leaf: Any, like: Any, has: str, hint: str = ""
) -> None:
    """Raises a ValueError unless ``leaf`` has the shape of ``like``; a masked leaf has none.

    The message goes "``name`` has shape (1,), but ``has`` shape (3,) there.", and the hint.
    """
    found, expected = (None if is_masked(x) else jnp.shape(x) for x in (leaf, like))
    if found != expected:
        what, wanted = ("nothing" if s is None else f"shape {s}" for s in (found, expected))
        raise ValueError(
            f"{owner}: {name}{jax.tree_util.keystr(path)} has {what}, but {has} {wanted} there. "
            f"{hint}".rstrip()
        )
