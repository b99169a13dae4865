"""Checkpoints of a training run in a folder: whole or not there, whenever the run is killed.

Orbax writes a checkpoint beside its place and renames it when it is complete, each process its
own pieces, so the folder must be one that all processes see.
"""

from pathlib import Path
from typing import TypeVar

import jax

Tree = TypeVar("Tree")


class Checkpoints:
    """The checkpoints of one run, by step; the latest two are kept.

    Args:
        folder: where they lie; made if absent.

    Example:
        >>> import tempfile, jax.numpy as jnp
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder, Checkpoints(Path(folder)) as kept:
        ...     kept.save(3, {"w": jnp.arange(2.0)})
        ...     kept.latest(), kept.restore(3, {"w": jnp.zeros(2)})["w"].tolist()
        (3, [0.0, 1.0])
    """

    def __init__(self, folder: Path) -> None:
        import orbax.checkpoint as orbax

        self._orbax, self._folder = orbax, folder
        # Saving in the foreground: a step is complete before the next begins, and small models
        # such as these are written in a fraction of a second.
        self._manager = orbax.CheckpointManager(
            folder.resolve(),
            options=orbax.CheckpointManagerOptions(
                max_to_keep=2, create=True, enable_async_checkpointing=False
            ),
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.close()

    def latest(self) -> int | None:
        """The last step that has a complete checkpoint; None where there is none."""
        return self._manager.latest_step()

    def save(self, step: int, tree: object) -> None:
        """Writes the arrays of ``tree`` as the checkpoint of ``step``; returns when it is whole."""
        # Leaves alone: an optimizer's state may be made of any classes.
        self._manager.save(step, args=self._orbax.args.StandardSave(jax.tree.leaves(tree)))

    def restore(self, step: int, like: Tree) -> Tree:
        """The tree saved at ``step``, with the structure, dtypes and sharding of ``like``.

        Raises:
            ValueError: the checkpoint holds other arrays than ``like``, or cannot be read.
        """
        leaves, structure = jax.tree.flatten(like)
        wanted = [jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding) for x in leaves]
        try:
            found = self._manager.restore(step, args=self._orbax.args.StandardRestore(wanted))
        except (ValueError, TypeError, KeyError, OSError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ValueError(
                f"the checkpoint of step {step} in {self._folder} cannot be restored ({reason}); "
                "delete its folder to go on from the one before, or give another --out"
            ) from error
        return jax.tree.unflatten(structure, found)
