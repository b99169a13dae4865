"""Grafting where leaves are left out: by both parts, by one alone, inside chains, under vmap."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from grafted import GRADS, PARAMS, RNG, joined, oracle

from thermolion_optax import graft

MATRICES = {"w": True, "b": False}


def test_masks_and_partition():
    """Masked around the whole, in both parts, or in a group: the same; in one only: an error."""
    parts = optax.scale_by_adam(), optax.trace(0.9)
    whole, _ = graft(*parts).update(GRADS, graft(*parts).init(PARAMS), PARAMS)
    want = {"w": whole["w"], "b": GRADS["b"]}
    inside = [optax.masked(part, MATRICES) for part in parts]
    labels = {"w": "graft", "b": "rest"}
    for tx in (
        optax.masked(graft(*parts), MATRICES),
        graft(*inside),
        optax.partition({"graft": graft(*parts), "rest": optax.identity()}, labels),
    ):
        updates, _ = jax.jit(tx.update)(GRADS, tx.init(PARAMS), PARAMS)
        chex.assert_trees_all_close(updates, want, rtol=1e-6)
    for tx in (graft(inside[0], parts[1]), graft(parts[0], inside[1])):
        with pytest.raises(ValueError, match=r"updates\['b'\] is masked in .* but not in"):
            jax.jit(tx.update)(GRADS, tx.init(PARAMS), PARAMS)


def wrapped(part):
    return optax.with_extra_args_support(optax.named_chain(("part", part)))


@pytest.mark.parametrize("around", [optax.chain, wrapped])
@pytest.mark.parametrize("inner", [optax.scale_by_sign(), optax.trace(0.9)])
def test_a_mask_in_one_part_alone_is_an_error_inside_a_chain_too(around, inner):
    part = around(optax.masked(inner, MATRICES))
    for tx in (graft(part, optax.scale_by_adam()), graft(None, part)):
        with pytest.raises(ValueError, match=r"updates\['b'\] is masked in .* but not in"):
            jax.jit(tx.update)(GRADS, tx.init(PARAMS), PARAMS)


def test_masks_inside_chains_leave_out_what_both_do():
    parts = optax.scale_by_adam(), optax.trace(0.9)
    inside = [optax.chain(optax.masked(part, MATRICES)) for part in parts]
    whole = optax.masked(graft(*parts), MATRICES)
    found, want = (
        jax.jit(tx.update)(GRADS, tx.init(PARAMS), PARAMS)[0] for tx in (graft(*inside), whole)
    )
    chex.assert_trees_all_close(found, want, rtol=1e-6)
    np.testing.assert_array_equal(found["b"], GRADS["b"])


def test_a_wrapper_that_makes_new_arrays_hides_a_mask():
    """As the docstring says: the masked leaf then has a direction, that of the wrapper."""
    part = optax.chain(optax.masked(optax.scale_by_sign(), MATRICES), optax.scale(-1.0))
    tx = graft(part, optax.scale_by_adam())
    found, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS)
    plain = graft(optax.scale(-1.0), optax.scale_by_adam())
    want, _ = plain.update(GRADS, plain.init(PARAMS), PARAMS)
    np.testing.assert_allclose(found["b"], want["b"], rtol=1e-6)


def test_a_part_that_hands_on_what_it_got_is_the_identity_masked_or_not():
    adam = optax.scale_by_adam()
    labels = {"w": "sign", "b": "same"}
    some = optax.partition({"sign": optax.scale_by_sign(), "same": optax.identity()}, labels)
    masked = optax.masked(optax.identity(), MATRICES)
    length, _ = adam.update(GRADS, adam.init(PARAMS))
    alone = {name: oracle(GRADS[name], length[name]) for name in PARAMS}
    signed = alone | {"w": oracle(jnp.sign(GRADS["w"]), length["w"])}
    kept = {"w": alone["w"], "b": GRADS["b"]}
    for direction, magnitude, want in (
        (masked, adam, alone),
        (masked, optax.masked(adam, MATRICES), kept),
        (some, adam, signed),
    ):
        tx = graft(direction, magnitude)
        found, _ = jax.jit(tx.update)(GRADS, tx.init(PARAMS), PARAMS)
        chex.assert_trees_all_close(found, want, rtol=2e-6, atol=1e-7)


def test_an_integer_that_both_parts_leave_out_passes_unchanged():
    params = PARAMS | {"b": jnp.arange(3)}
    parts = optax.scale_by_adam(), optax.scale_by_sign()
    tx = graft(*(optax.masked(part, MATRICES) for part in parts))
    grads = GRADS | {"b": jnp.array([5, -7, 9])}
    found, _ = jax.jit(tx.update)(grads, tx.init(params), params)
    chex.assert_trees_all_equal(found["b"], grads["b"])
    assert found["b"].dtype == jnp.int32
    want = oracle(jnp.sign(grads["w"]), jnp.sign(grads["w"]))
    assert np.linalg.norm(found["w"]) == pytest.approx(np.linalg.norm(want), rel=1e-6)
    everywhere = {"w": True, "b": True}
    tx = graft(*(optax.masked(part, everywhere) for part in (optax.scale_by_sign(),) * 2))
    with pytest.raises(TypeError, match=r"graft: updates\['b'\].*int32"):
        tx.update(grads, tx.init(params), params)


def test_under_vmap_the_norm_is_each_examples():
    d, m = jnp.asarray(RNG.normal(size=(4, 9)), jnp.float32), jnp.ones((4, 9)).cumsum(0)
    found = jax.vmap(lambda d, m: joined(d, m, jit=False))(d, m)
    np.testing.assert_allclose(found, [oracle(d[i], m[i]) for i in range(4)], rtol=2e-6)
    tx = graft(optax.masked(optax.scale_by_sign(), MATRICES), optax.scale_by_adam())
    several = jax.tree.map(lambda g: jnp.stack([g, 2 * g]), GRADS)
    with pytest.raises(ValueError, match=r"updates\['b'\] is masked in direction"):
        jax.vmap(lambda g: tx.update(g, tx.init(g))[0])(several)
