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


def leave() -> None:
    """Part from the other processes, which may then end at any time.

    Those still joined wait for each other at their end, and abort where one is minutes late.
    """
    jax.distributed.shutdown()
