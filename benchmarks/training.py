"""How fast whole training runs are: a Markdown section on standard output.

    python benchmarks/training.py [--section torch|optimizers|networks|together|muon|growth|all]
    python benchmarks/training.py --section optimizers --optimizers adam adamw lion thermolion

Contestants are processes of their own that take turns, run by run, so that a change of the
machine's speed meets all of them; every figure is a median of the turns, and all turns are printed.
PyTorch's part is the paper's loop in plain PyTorch (`contestants.py`).
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contestants import jax_runs, sgemm_rates, torch_runs

# glibc's malloc keeps what it was given instead of returning it to the system after each step.
TUNED = {"MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_MMAP_THRESHOLD_": str(1 << 40)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    sections = {"torch": torch_section, "optimizers": optimizer_section}
    sections |= {
        "networks": network_section,
        "together": together_section,
        "muon": muon_section,
        "growth": growth_section,
    }
    parser.add_argument("--section", choices=[*sections, "all"], default="all")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of a turn")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each contestant")
    parser.add_argument(
        "--optimizers", nargs="+", default=["adam", "thermolion"], help="the first is the baseline"
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(args.worker, args.epochs, args.repeats)
    print("## Whole training runs\n\n" + machine() + "\n")
    for name, section in sections.items():
        if args.section in (name, "all"):
            section(args)


def torch_section(args: argparse.Namespace) -> None:
    kinds = ["jax:adam", "torch", "torch-tuned", "sgemm"]
    turns, memory, compiled = take_turns(kinds, args.epochs, args.repeats)
    steps = 5 * args.epochs
    rate = statistics.median(turns.pop("sgemm"))
    work_done = args.epochs * epoch_flop(5000)
    print(f"### {steps} steps (5,000 RGB images, batch 1,024, Adam, evaluation included)\n")
    rows = []
    for kind, seconds in turns.items():
        median = statistics.median(seconds)
        against = [
            f"{statistics.median(a / b for a, b in zip(seconds, turns[k], strict=True)):.2f}"
            for k in ("torch", "torch-tuned")
        ]
        share = f"{work_done / median / rate:.0%}"
        rows.append([NAMES[kind], f"{median:.2f}", f"{60 / steps * median:.1f}",
                     f"{steps / median:.2f}", share, *against, f"{memory[kind]:.0f}",
                     listed(seconds)])  # fmt: skip
    head = ["program", "seconds", "× 60 steps", "steps/s", "share of sgemm"]
    table([*head, "time / PyTorch", "time / tuned", "peak MB", "all turns (s)"], rows)
    print(f"sgemm (2048³, PyTorch): {rate / 1e9:.0f} GFLOP/s. ", end="")
    print(f"Compilation: {compiled['jax:adam']:.1f} s. Ratios are medians of the turns' ratios.\n")


def optimizer_section(args: argparse.Namespace) -> None:
    print(f"### Each optimizer's run against {args.optimizers[0]}'s (same images and steps)\n")
    compare("optimizer", {name: f"jax:{name}" for name in args.optimizers}, args)


def network_section(args: argparse.Namespace) -> None:
    from experiments.networks import NAMES as names

    print(f"### Each network's run against {names[0]}'s (Adam, same images and steps)\n")
    compare("network", {name: f"jax:adam@{name}" for name in names}, args)


def compare(what: str, kinds: dict[str, str], args: argparse.Namespace) -> None:
    """A row a name, the ratios to the first."""
    epochs = max(1, args.epochs // 3)
    turns, memory, compiled = take_turns(list(kinds.values()), epochs, args.repeats)
    first = next(iter(turns.values()))
    rows = []
    for name, kind in kinds.items():
        seconds = turns[kind]
        ratio = statistics.median(a / b for a, b in zip(seconds, first, strict=True))
        rows.append([name, f"{statistics.median(seconds):.2f}", f"{ratio:.3f}",
                     f"{compiled[kind]:.1f}", f"{memory[kind]:.0f}", listed(seconds)])  # fmt: skip
    table([what, "seconds", "ratio", "compile (s)", "peak MB", "all turns (s)"], rows)
    print("Ratios are medians of the turns' ratios.\n")


def together_section(args: argparse.Namespace) -> None:
    print("### Many runs: how devices and runs are laid out (1 epoch of 5,000 images each)\n")
    count = devices_shown()
    layouts = [(count, count, 1), (count, 1, 1), (1, 1, 1), (1, 1, 2), (1, 1, 4)]
    laid_out("adam", layouts, 12)


def muon_section(args: argparse.Namespace) -> None:
    print("### Muon's runs, laid out in two ways (1 epoch of 5,000 images, batch 128)\n")
    count = devices_shown()
    laid_out("muon", [(count, count, 1), (count, 1, 1)], 8, batch_size=128)


def devices_shown() -> int:
    import jax

    from experiments.training import cores

    cores.show()
    return jax.local_device_count()


def laid_out(
    optimizer: str, layouts: list[tuple[int, int, int]], count: int, **options: Any
) -> None:
    rows = []
    for devices, devices_per_run, together in dict.fromkeys(layouts):
        size = devices // devices_per_run * together
        how = {"devices": devices, "devices_per_run": devices_per_run, "together": together}
        runs = jax_runs(optimizer, count=max(count, 3 * size), **how, **options)
        outcomes = list(runs)[size:]
        seconds = [outcome.seconds * together / size for outcome in outcomes[::size]]
        cells = [str(devices), str(devices_per_run), str(together)]
        rows.append([*cells, f"{statistics.median(seconds):.2f}", listed(seconds)])
    table(["devices", "devices a run", "together", "seconds a run", "all groups (s)"], rows)


def growth_section(args: argparse.Namespace) -> None:
    print("### Growth with the number of images and the batch (1 epoch, RGB, Adam)\n")
    cases = [(n, 1024) for n in (1000, 5000, 20_000, 50_000)]
    cases += [(8192, size) for size in (64, 256, 1024, 4096)]
    head = ["images", "batch", "seconds", "µs an image", "compile (s)", "peak MB so far"]
    row(head)
    row(["---"] * len(head))
    for n, size in cases:  # row by row, since the largest take minutes
        outcomes = list(jax_runs("adam", n=n, batch_size=size, count=3))
        median = statistics.median(outcome.seconds for outcome in outcomes)
        row([f"{n:,}", f"{size:,}", f"{median:.2f}", f"{1e6 * median / n:.0f}",
             f"{outcomes[0].compile_seconds:.1f}", f"{peak_megabytes():.0f}"])  # fmt: skip
    print()


NAMES = {
    "jax:adam": "this project",
    "torch": "PyTorch as a user runs it",
    "torch-tuned": "PyTorch, channels_last, tuned malloc",
}


def take_turns(kinds: list[str], epochs: int, repeats: int) -> tuple[dict, dict, dict]:
    """Let one process per kind run in turn; the first turn warms up and is not counted."""
    command = [sys.executable, __file__, "--epochs", str(epochs), "--repeats", str(repeats)]
    workers = {
        kind: subprocess.Popen(
            [*command, "--worker", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | (TUNED if kind == "torch-tuned" else {}),
        )
        for kind in kinds
    }

    def turn(worker: Any) -> dict:
        worker.stdin.write("go\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())

    turns: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers: dict[str, dict] = {}
    for number in range(repeats + 1):
        for kind, worker in workers.items():
            answers[kind] = turn(worker)
            if number:
                turns[kind].append(answers[kind]["value"])
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    memory = {kind: answer["megabytes"] for kind, answer in answers.items()}
    return turns, memory, {kind: answer["compile"] for kind, answer in answers.items()}


def work(kind: str, epochs: int, repeats: int) -> None:
    """One contestant: a run for each line that comes in."""
    if kind.startswith("jax:"):
        values = (
            (outcome.seconds, outcome.compile_seconds)
            for outcome in jax_runs(*kind[4:].split("@"), count=repeats + 1, epochs=epochs)
        )
    elif kind == "sgemm":
        values = ((rate, 0.0) for rate in sgemm_rates())
    else:
        values = ((seconds, 0.0) for seconds in torch_runs(epochs, kind == "torch-tuned"))
    for _ in sys.stdin:
        value, compiled = next(values)
        answer = {"value": value, "compile": compiled, "megabytes": peak_megabytes()}
        print(json.dumps(answer), flush=True)


def epoch_flop(images: int) -> float:
    """Useful operations of an epoch: forward, and back to every weight and inner activation."""
    conv1, conv2 = 2 * 32 * 32 * 27 * 32, 2 * 16 * 16 * 288 * 64
    dense = 2 * 4096 * 256 + 2 * 256 * 10
    return images * (2 * conv1 + 3 * conv2 + 3 * dense)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> str:
    from importlib.metadata import PackageNotFoundError, version

    def known(name: str) -> str:
        with contextlib.suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
        return f"no {name}"

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].split(":")[1].strip() if lines else cpu
    versions = ", ".join(map(known, ("jax", "jaxlib", "optax", "torch")))
    return f"{os.cpu_count()} cores of {cpu}; Python {platform.python_version()}, {versions}."


def listed(seconds: list[float]) -> str:
    return " ".join(f"{value:.2f}" for value in seconds)


def table(head: list[str], rows: list[list[str]]) -> None:
    for cells in (head, ["---"] * len(head), *rows):
        row(cells)
    print(flush=True)


def row(cells: list[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
