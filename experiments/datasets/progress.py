"""Progress for people, on standard error, one line at a time so that logs stay readable."""

import sys
import threading
import time

_EVERY_SECONDS = 5.0


def megabytes(size: int) -> str:
    """Write a number of bytes for people.

    Example:
        >>> megabytes(26_421_880), megabytes(5_148)
        ('26.4 MB', '5.1 kB')
    """
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


class Progress:
    """Tells how far transfers and builds have come, and passes on the wish to stop.

    It is safe to share between threads.
    """

    def __init__(self, shown: bool = True):
        self._shown = shown
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print one line."""
        if self._shown:
            with self._lock:
                print(text, file=sys.stderr, flush=True)

    def step(self, what: str, done: int, of: int) -> None:
        """Tell, at most every few seconds, how many bytes of `what` are here."""
        now = time.monotonic()
        with self._lock:
            due = now - self._said.setdefault(what, now) >= _EVERY_SECONDS
            if due:
                self._said[what] = now
        if due:
            share = min(1.0, done / of) if of else 1.0
            self.say(f"{what}: {megabytes(done)} of about {megabytes(of)} ({share:.0%})")

    def stop(self) -> None:
        """Ask every transfer to end; an interrupted user is not kept waiting for gigabytes."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()
