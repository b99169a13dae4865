"""The line that tells how far a long job is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """Done, left and the time to come: one line kept up to date on a terminal.

    Elsewhere (a log file) a line is printed at most every ``every`` seconds.

    Args:
        total: cells to make.
        stream: where to write.
        every: seconds between lines where the stream is no terminal.
        clock: gives seconds; a test's own.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._stream, self._every, self._clock = total, stream, every, clock
        self._done = self._present = self._skipped = self._width = 0
        self._start = clock()
        self._last = -float("inf")

    def show(self, doing: str, *, done: int = 0, present: int = 0, skipped: int = 0) -> None:
        """Counts cells made, found or given up, and says what is being done."""
        self._done += done
        self._present += present
        self._skipped += skipped
        left = self._total - self._done - self._present - self._skipped
        text = f"{self._done + self._present} of {self._total} runs done, {left} left"
        if self._done and left:
            text += f", about {duration((self._clock() - self._start) / self._done * left)} to come"
        text += f" | {doing}"
        if self._stream.isatty():
            text = text[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        elif left == 0 or self._clock() - self._last >= self._every:
            self._last = self._clock()
            self._stream.write(text + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """A line of its own, the progress line left intact."""
        self.end()
        self._stream.write(text + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Ends the progress line, if one is on a terminal."""
        if self._width:
            self._stream.write("\n")
            self._width = 0


def duration(seconds: float) -> str:
    """Seconds for people.

    Example:
        >>> duration(7.2), duration(190), duration(7320)
        ('7 s', '3 min 10 s', '2 h 2 min')
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
