"""Every public function × every argument × whatever should not be there: no case may fall through.

Each is an error that names function and argument, or allowed with its reason written down.
"""

import collections
import re

import jax.numpy as jnp
import pytest
from allowed_inputs import ALLOWED
from bad_inputs import VALUES, arguments, build, factories, live, public_functions
from bad_trees import GOOD, TREES, states, transformation

from thermolion_optax import (
    apply_updates_stochastic,
    averaged_params,
    gradient_distortion,
    phase_statistics,
)

OWNERS = "|".join(public_functions())
ONE_LEAF = {"w": jnp.ones(2)}


class Table:
    """Runs cases and keeps how many ended how, which rows of ALLOWED were met, and what failed."""

    def __init__(self):
        self.outcomes = collections.Counter()
        self.met = set()
        self.failures = []

    def case(self, function, argument, value, call, *args, **kwargs):
        row = next(
            (
                i
                for i, (functions, arguments, values, _) in enumerate(ALLOWED)
                if re.fullmatch(functions or ".*", function)
                and re.fullmatch(arguments, argument)
                and (values is None or value in values)
            ),
            None,
        )
        try:
            call(*args, **kwargs)
        except Exception as error:
            named = is_named(error, argument)
            found = f"{type(error).__name__}: {str(error)[:300]}"
        else:
            named, found = False, "passed in silence"
        if named:
            self.outcomes["named error"] += 1
        elif row is not None:
            self.outcomes["allowed"] += 1
            self.met.add(row)
        else:
            self.outcomes["failure"] += 1
            self.failures.append(f"{function}({argument}={value}): {found}")

    def check(self):
        assert not self.failures, "\n".join(self.failures)


def is_named(error, argument):
    """A short ValueError or TypeError of the library's own that has the argument's name."""
    names = {"params": "params|parameters"}.get(argument, argument)
    text = str(error)
    return (
        type(error) in (ValueError, TypeError)
        and re.match(rf"({OWNERS}): ", text) is not None
        and re.search(rf"\b({names})\b", text) is not None
        and len(text) < 600
    )


@pytest.fixture(scope="module")
def table():
    """All cases, run once."""
    table = Table()
    run_arguments(table)
    run_trees(table)
    run_states(table)
    run_readers(table)
    return table


def run_arguments(table):
    for function, argument in arguments():
        # A mask is looked at where something decays.
        beside = {"weight_decay": 0.1} if argument == "mask" else {}
        for name, value in VALUES.items():
            table.case(function, argument, name, build_and_live, function, beside, argument, value)


def build_and_live(function, beside, argument, value):
    live(build(function, **beside | {argument: value}), ONE_LEAF)


def run_trees(table):
    for function in factories():
        tx = transformation(function)
        state = tx.init(GOOD)
        for name, tree in TREES.items():
            table.case(function, "params", name, tx.init, tree)
            table.case(function, "updates", name, tx.update, tree, state, GOOD, grad=GOOD)
            late = f"{name} (update)"
            table.case(function, "params", late, tx.update, GOOD, state, tree, grad=GOOD)
            extra = {"alignment_boost": "grad", "thermal_noise": "nu"}.get(function)
            if extra is not None:
                table.case(function, extra, name, tx.update, GOOD, state, **{extra: tree})


def run_states(table):
    every = states()
    for function in factories():
        tx = transformation(function)
        for name, state in every.items():
            if name == function:
                continue
            label = "its own, of other parameters" if name.startswith(f"{function} of") else name
            table.case(function, "state", label, tx.update, GOOD, state, GOOD, grad=GOOD)
    for name, state in every.items():
        table.case("phase_statistics", "opt_state", name, phase_statistics, state)
        table.case("averaged_params", "opt_state", name, averaged_params, state, GOOD)


def run_readers(table):
    gated = transformation("thermolion").init(GOOD)
    averaging = transformation("stochastic_weight_averaging").init(GOOD)
    rounded = "apply_updates_stochastic"
    for name, tree in TREES.items():
        table.case("phase_statistics", "grads", name, phase_statistics, gated, tree)
        table.case("averaged_params", "params", name, averaged_params, averaging, tree)
        table.case("gradient_distortion", "grads", name, gradient_distortion, tree)
        table.case(rounded, "params", name, apply_updates_stochastic, tree, GOOD, 0)
        table.case(rounded, "updates", name, apply_updates_stochastic, GOOD, tree, 0)
    for name, value in VALUES.items():
        table.case(rounded, "key", name, apply_updates_stochastic, GOOD, GOOD, value)
        table.case("phase_statistics", "gate", name, phase_statistics, gated, gate=value)


def test_no_case_falls_through(table):
    table.check()
    assert table.outcomes.keys() == {"named error", "allowed"}
    assert table.outcomes["named error"] > 5000
    assert table.outcomes["allowed"] < 1000


def test_every_reason_is_needed(table):
    assert [row for i, row in enumerate(ALLOWED) if i not in table.met] == []
