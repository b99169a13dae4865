"""Whether two checkouts compute the same numbers, bit for bit.

    git worktree add /tmp/before COMMIT
    python benchmarks/same_numbers.py /tmp/before .

Both run on this machine, with this Python: 50 updates of `thermolion` and of `smes` in several
settings, a small run of four optimizers on the digits, and the report of the committed records.
What is printed is what differs; nothing differing, the exit code is 0.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

UPDATES = """
import hashlib, jax, jax.numpy as jnp, numpy as np, optax
from thermolion_optax import smes, thermolion
r = np.random.default_rng(0)
shapes = {"kernel": (3, 3, 4, 8), "bias": (8,), "scale": (), "table": (129, 7)}
for name, tx, dtype in (
    ("thermolion", thermolion(1e-2), "float32"),
    ("thermolion without noise", thermolion(1e-2, temperature=0.0), "float32"),
    ("thermolion, noise in parameters", thermolion(1e-2, noise_units="parameter"), "float32"),
    ("thermolion in bfloat16", thermolion(1e-2, mu_dtype="bfloat16"), "bfloat16"),
    ("thermolion masked", thermolion(1e-2, mask={"kernel": True, "bias": False, "scale": False,
                                                 "table": True}), "float32"),
    ("smes", smes(1e-2), "float32"),
    ("smes at a quarter", smes(1e-2, 0.25), "float32"),
):
    params = {k: jnp.asarray(r.normal(size=s), dtype) for k, s in shapes.items()}
    state, update = tx.init(params), jax.jit(tx.update)
    for _ in range(50):
        grads = {k: jnp.asarray(r.normal(size=s) * 10.0 ** r.integers(-4, 2), dtype)
                 for k, s in shapes.items()}
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
    digest = hashlib.sha256(b"".join(np.asarray(params[k]).tobytes() for k in sorted(params)))
    print(name, digest.hexdigest(), sep=": ")
"""
RUN = (
    "run --protocol paper --datasets digits --optimizers adam lion thermolion smes "
    "--seeds 2 --epochs 2 --batch-size 256 --devices 1"
)
RESULTS = ("train_loss", "train_accuracy", "test_accuracy", "update_rms", "status", "fingerprint")


def numbers_of(checkout):
    """Everything that the two must agree in, by name."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "JAX_PLATFORMS": "cpu"}

    def python(*words):
        return subprocess.run(
            [sys.executable, *words],
            cwd=checkout,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    found = dict(line.split(": ") for line in python("-c", UPDATES).splitlines())
    with tempfile.TemporaryDirectory() as folder:
        python("-m", "experiments", *RUN.split(), "--out", f"{folder}/runs")
        for path in sorted(Path(folder, "runs").glob("*.jsonl")):
            for line in path.read_text().splitlines():
                record = json.loads(line)
                name = f"run of {record['optimizer']}, seed {record['seed']}"
                found |= {f"{name}: {key}": record[key] for key in RESULTS}
        python("-m", "experiments", "report", "results/records", "--out", f"{folder}/report")
        for path in sorted(Path(folder, "report").glob("*.csv")):
            with path.open(newline="") as file:
                for row, cells in enumerate(csv.DictReader(file)):
                    found |= {f"{path.name}, row {row}: {key}": cells[key] for key in cells}
    return found


def main():
    before, after = (numbers_of(Path(word).resolve()) for word in sys.argv[1:3])
    differing = [name for name in before if name in after and before[name] != after[name]]
    for name in differing:
        print(f"{name}: {before[name]} before, {after[name]} after")
    gone = sorted(set(before) - set(after))
    print(
        f"{len(set(before) & set(after))} numbers compared, {len(differing)} differ; "
        f"only before: {gone[:5] or 'none'}; only after: {len(set(after) - set(before))}"
    )
    return 1 if differing or gone else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    raise SystemExit(main())
