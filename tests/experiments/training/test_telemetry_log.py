import csv
import math
import struct
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.training import telemetry_log
from thermolion_optax import phase_statistics, thermolion

PARAMS = {"conv": {"kernel": jnp.ones((3, 4)), "bias": jnp.zeros(4)}, "head": [jnp.ones(2)]}
STEPS = 6


def gradients(step):
    keys = jax.random.split(jax.random.fold_in(jax.random.key(0), step), 3)
    leaves, structure = jax.tree.flatten(PARAMS)
    drawn = [jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, drawn)


@pytest.fixture(scope="module")
def stacked():
    """The recipe: phase_statistics returned from inside a jitted scan."""
    tx = thermolion(1e-2)

    @jax.jit
    def run(params, state):
        def step(carry, number):
            params, state = carry
            grads = gradients(number)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), phase_statistics(state, grads)

        return jax.lax.scan(step, (params, state), jnp.arange(STEPS))[1]

    return run(PARAMS, tx.init(PARAMS))


def test_a_log_from_inside_scan_is_that_of_a_loop(stacked):
    log = telemetry_log.flat(stacked)
    tx = thermolion(1e-2)

    @jax.jit
    def step(params, state, number):
        grads = gradients(number)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state, phase_statistics(state, grads)

    params, state = PARAMS, tx.init(PARAMS)
    for number in range(STEPS):
        params, state, now = step(params, state, number)
        expected = {
            "gate_mean/all": now["gate_mean"]["all"],
            "gate_mean/conv.kernel": now["gate_mean"]["leaves"]["['conv']['kernel']"],
            "alignment_rate/head.0": now["alignment_rate"]["leaves"]["['head'][0]"],
            "snr_quantiles/conv.bias/0.95": now["snr_quantiles"]["leaves"]["['conv']['bias']"][4],
            "noise_std/all": now["noise_std"]["all"],
        }
        for name, value in expected.items():
            np.testing.assert_allclose(log[name][number], value, rtol=2e-5, err_msg=name)


def test_every_statistic_of_every_leaf_is_there_once(stacked):
    log = telemetry_log.flat(stacked)
    leaves = 1 + len(jax.tree.leaves(PARAMS))
    assert len(log) == leaves * (7 + 5)
    assert all(curve.shape == (STEPS,) for curve in log.values())


def test_without_gradients_there_is_no_alignment_rate():
    tx = thermolion()
    statistics = jax.tree.map(lambda x: x[None], phase_statistics(tx.init(PARAMS)))
    assert not [name for name in telemetry_log.flat(statistics) if name.startswith("align")]


def test_paths_that_would_collide_keep_their_own_form():
    params = {"a": {"b": jnp.ones(1)}, "a.b": jnp.ones(1)}
    statistics = jax.tree.map(lambda x: x[None], phase_statistics(thermolion().init(params)))
    log = telemetry_log.flat(statistics)
    assert {"gate_mean/['a']['b']", "gate_mean/['a.b']"} <= set(log)


def test_a_single_array_has_a_name():
    statistics = jax.tree.map(lambda x: x[None], phase_statistics(thermolion().init(jnp.ones(2))))
    assert "snr_mean/parameter" in telemetry_log.flat(statistics)


def test_statistics_of_one_step_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match="expected statistics stacked over the steps"):
        telemetry_log.flat(phase_statistics(thermolion().init(PARAMS)))


def test_csv_holds_every_number(stacked, tmp_path):
    log = telemetry_log.flat(stacked) | {"loss": np.array([0.1, math.nan, 3, 4, 5, 6])}
    path = telemetry_log.write_csv(log, tmp_path / "log.csv", range(10, 16))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["step"] for row in rows] == [str(n) for n in range(10, 16)]
    for name, curve in log.items():
        np.testing.assert_array_equal(
            np.array([row[name] for row in rows], curve.dtype), curve, err_msg=name
        )
    assert [p.name for p in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("write", [telemetry_log.write_csv, telemetry_log.write_tensorboard])
def test_curves_of_different_length_write_nothing(write, tmp_path):
    with pytest.raises(ValueError, match="short has 2 entries, long has 3"):
        write({"long": [1.0, 2.0, 3.0], "short": [1.0, 2.0]}, tmp_path / "log")
    with pytest.raises(ValueError, match="steps has 1 entries"):
        write({"loss": [1.0, 2.0]}, tmp_path / "log", [1])
    assert not list(tmp_path.iterdir())


def test_an_empty_log_is_a_table_without_rows(tmp_path):
    assert telemetry_log.write_csv({}, tmp_path / "log.csv").read_text() == "step\n"


def scalars(folder):
    """TensorBoard's event file by its published framing: length, crc, message, crc."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="reads event files")
    (file,) = folder.iterdir()
    content, found, at = file.read_bytes(), {}, 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        event = event_pb2.Event.FromString(content[at + 12 : at + 12 + length])
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
        at += length + 16
    return found


def test_tensorboard_holds_every_number(stacked, tmp_path):
    log = telemetry_log.flat(stacked)
    folder = telemetry_log.write_tensorboard(log, tmp_path / "run", range(0, 2 * STEPS, 2))
    found = scalars(folder)
    for name, curve in log.items():
        assert found[name] == list(zip(range(0, 2 * STEPS, 2), curve.tolist(), strict=True)), name
    assert len(found) == len(log)


def test_without_tensorboardx_the_way_out_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        telemetry_log.write_tensorboard({"loss": [1.0]}, tmp_path / "run")
