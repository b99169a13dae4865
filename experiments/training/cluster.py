"""Joining a cluster's processes, for every command that takes --distributed."""

import jax


def join(otherwise: str, *, together: bool = True) -> None:
    """Make this process one of those that the cluster's own launcher started.

    Args:
        otherwise: what to do where there is no such cluster; ends the error's message.
        together: whether the processes will compute together. If they are only to divide the
            work, and then to part, the devices of each sum among themselves without the network.

    Raises:
        ValueError: JAX recognises no cluster here.
    """
    if not together:
        jax.config.update("jax_cpu_collectives_implementation", None)
    try:
        jax.distributed.initialize()
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"--distributed found no cluster to join ({str(error).splitlines()[0]}); it needs one "
            f"that JAX knows, such as SLURM, Open MPI, Kubernetes or Cloud TPU. {otherwise}"
        ) from error


def join_as(
    coordinator: str | None, processes: int | None, process: int | None, distributed: bool
) -> None:
    """Make this process one of several, where a command's options say so.

    Args:
        coordinator: HOST:PORT where process 0 listens; needs no scheduler.
        processes: how many there are.
        process: which of them this is, from 0.
        distributed: join the cluster that the scheduler describes.

    Raises:
        ValueError: some of the three are absent or out of range, or there is no such cluster.
    """
    explicit = (coordinator, processes, process)
    if all(x is None for x in explicit):
        if distributed:
            join("Elsewhere give --coordinator, --processes and --process")
        return
    if coordinator is None or processes is None or process is None:
        raise ValueError("--coordinator, --processes and --process are to be given together")
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(
            f"--coordinator is {coordinator!r}, expected HOST:PORT such as 10.0.0.1:9876, with a "
            "port that is free on the first machine"
        )
    if processes < 1:
        raise ValueError(f"--processes is {processes}, expected a number from 1 up")
    if not 0 <= process < processes:
        raise ValueError(f"--process is {process}, expected 0 to {processes - 1}")
    try:
        jax.distributed.initialize(*explicit)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"--coordinator {coordinator}: could not join ({str(error).splitlines()[0]})"
        ) from error


def leave() -> None:
    """Part from the other processes, which may then end at any time.

    Those still joined wait for each other at their end, and abort where one is minutes late.
    """
    jax.distributed.shutdown()
