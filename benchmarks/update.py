"""Times one optimizer update, alone, against optax.adam in the same process.

    python benchmarks/update.py                       25 M parameters in 150 leaves, 7 rounds
    python benchmarks/update.py --tree 1M 100M one    other trees
    python benchmarks/update.py --only adam thermolion smes
    python benchmarks/update.py --tree deep --only adamw thermolion      600 leaves of 40 shapes

Every candidate is jitted with donated parameters and state. The candidates take turns, round
by round, so that a slow minute of a shared machine hits all of them; a row gives medians.
"ratio" is to optax.adam. "GB/s" counts the seven streams an Adam-like update must move
(read p, m, v, g; write p, m, v), "of stream" is its share of the bandwidth that a bare
seven-stream kernel reached in the same rounds. "trace s" (to StableHLO) and "compile s" are
medians of three, in turns too, and the ratio behind them that of their sums, turn by turn.
Prints a Markdown table.
"""

import argparse
import functools
import platform
import statistics
import time

import jax
import jax.numpy as jnp
import optax

from thermolion_optax import smes, thermolion

TREES = {
    "1M": (1_000_000, 8, jnp.float32),
    "25M": (25_000_000, 150, jnp.float32),
    "100M": (100_000_000, 300, jnp.float32),
    "one": (25_000_000, 1, jnp.float32),
    "deep": (6_000_000, 600, jnp.float32),
    "25M-bf16": (25_000_000, 150, jnp.bfloat16),
}


def make_tree(size, leaves, dtype):
    """A tree of ``leaves`` arrays with ``size`` numbers: matrices and vectors in turn."""
    if leaves == 1:
        shapes = [(size // 5000, 5000)]
    else:
        per_pair = size // (leaves // 2)
        width = int(per_pair**0.5)
        shapes = [(width, per_pair // width - 1), (width,)] * (leaves // 2)
    if leaves == 600:  # of 40 shapes, 20 of them matrices
        shapes = [(width + i // 2 % 20, *rest) for i, (width, *rest) in enumerate(shapes)]
    keys = jax.random.split(jax.random.key(0), len(shapes))
    draw = [0.05 * jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]
    return {f"leaf{i:03d}": x.astype(dtype) for i, x in enumerate(draw)}


def candidates(dtype):
    low = {} if dtype == jnp.float32 else {"mu_dtype": jnp.float32}
    return {
        "adam": optax.adam(1e-3, **low),
        "adamw": optax.adamw(1e-3, **low),
        "lion": optax.lion(1e-4, **low),
        "muon": optax.contrib.muon(1e-3),
        "thermolion, noise off": thermolion(temperature=0.0, **low),
        "thermolion": thermolion(**low),
        "thermolion, jax.random.normal": thermolion(normal=jax.random.normal, **low),
        "smes, alpha 1/2": smes(1e-3, **low),
        "smes, alpha 1/4": smes(1e-3, 0.25, **low),
        "smes, alpha 0.3": smes(1e-3, 0.3, **low),
    }


def lower_update(tx, params, state):
    def update(params, state, grads):
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(update, donate_argnums=(0, 1)).lower(params, state, params)


def compile_in_turns(txs, params, turns=3):
    """The compiled updates, and each one's seconds (tracing, compiling), a pair a turn."""
    compiled, seconds = {}, {name: [] for name in txs}
    for _ in range(turns):
        for name, tx in txs.items():
            jax.clear_caches()  # what one candidate has traced serves no other
            state = tx.init(params)
            begin = time.perf_counter()
            lowered = lower_update(tx, params, state)
            middle = time.perf_counter()
            compiled[name] = lowered.compile()
            seconds[name].append((middle - begin, time.perf_counter() - middle))
    return compiled, seconds


def stream(params):
    """The floor: seven streams with next to no arithmetic."""

    def update(params, state, grads):
        mu, nu = state
        mu = jax.tree.map(lambda m, g: m + g, mu, grads)
        nu = jax.tree.map(lambda v, g: v * g, nu, grads)
        return jax.tree.map(lambda p, m, v: (p - m * v).astype(p.dtype), params, mu, nu), (mu, nu)

    def init(p):
        zeros = functools.partial(jax.tree.map, lambda x: jnp.zeros(x.shape, jnp.float32))
        return zeros(p), zeros(p)

    lowered = jax.jit(update, donate_argnums=(0, 1)).lower(params, init(params), params)
    return init, lowered.compile()


def measure(runs, params, grads, rounds, repeats):
    """Seconds of each run, one median a round; the runs take turns."""
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (init, compiled) in runs.items():
            state, p = init(params), jax.tree.map(jnp.copy, params)
            p, state = jax.block_until_ready(compiled(p, state, grads))
            begin = time.perf_counter()
            for _ in range(repeats):
                p, state = compiled(p, state, grads)
            jax.block_until_ready(p)
            seconds[name].append((time.perf_counter() - begin) / repeats)
    return {name: statistics.median(s) for name, s in seconds.items()}


def table(tree_name, only, rounds):
    size, leaves, dtype = TREES[tree_name]
    params = make_tree(size, leaves, dtype)
    grads = jax.tree.map(lambda x: x * 0.01 + 1e-4, params)
    count = sum(x.size for x in params.values())
    chosen = {
        name: tx
        for name, tx in candidates(dtype).items()
        if name == "adam" or not only or any(name.startswith(o) for o in only)
    }
    runs = {"bare stream": stream(params)}  # the first compilation pays for start-up
    compiled, compiling = compile_in_turns(chosen, params)
    runs |= {name: (tx.init, compiled[name]) for name, tx in chosen.items()}
    seconds = measure(runs, params, grads, rounds, max(1, 50_000_000 // count))

    width = jnp.dtype(dtype).itemsize
    traffic = count * (3 * width + 4 * 4)  # p twice and g in their dtype; m and v in float32
    print(f"\n{count / 1e6:.1f} M {jnp.dtype(dtype).name} parameters in {leaves} leaves\n")
    print("| update | µs | × adam | GB/s | of stream | trace s | compile s | ", end="")
    print("× adam, both | temporaries, bytes |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, s in seconds.items():
        rate = f"{traffic / s / 1e9:.1f} | {seconds['bare stream'] / s:.0%}"
        print(f"| {name} | {s * 1e6:,.0f} | {s / seconds['adam']:.2f} | {rate} |", end=" ")
        if name in compiled:
            pairs = zip(compiling[name], compiling["adam"], strict=True)
            ratios = [sum(a) / sum(b) for a, b in pairs]
            temp = compiled[name].memory_analysis().temp_size_in_bytes
            traced, built = (
                statistics.median(column) for column in zip(*compiling[name], strict=True)
            )
            print(f"{traced:.2f} | {built:.2f} |", end=" ")
            print(f"{statistics.median(ratios):.1f} | {temp:,} |")
        else:
            print("| | | |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tree", nargs="+", default=["25M"], choices=TREES)
    parser.add_argument("--only", nargs="+", default=[], help="names (or beginnings) to time")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    device = jax.devices()[0]
    print(f"jax {jax.__version__}, optax {optax.__version__}, {device.device_kind}, ", end="")
    print(f"{platform.machine()}, {args.rounds} interleaved rounds")
    for name in args.tree:
        table(name, args.only, args.rounds)


if __name__ == "__main__":
    main()
