"""The progress line of a long job."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from typing import Literal, TextIO


class Progress:
    """Done, left and the time to come: one line kept up to date on a terminal.

    Elsewhere (a log file) a line is printed at most every ``every`` seconds. Threads may
    share it.

    Args:
        total: how much there is to do, as far as is known.
        stream: where to write; None is nowhere.
        unit: of what.
        every: seconds between lines where the stream is no terminal.
        clock: gives seconds; a test's own.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO | None,
        unit: Literal["runs", "steps", "bytes"] = "runs",
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._stream, self._unit = total, stream, unit
        self._every, self._clock = every, clock
        self._done = self._present = self._skipped = self._width = 0
        self._work_done = self._work_left = 0.0
        self._start = clock()
        self._first: tuple[float, float] | None = None  # when the first were done, how much work
        self._last = -float("inf")
        self._lock = threading.RLock()
        self._stopped = threading.Event()

    def expect(self, more: int) -> None:
        """Adds to what there is to do."""
        with self._lock:
            self._total += more

    def expect_work(self, left: float) -> None:
        """How much work there is in what is left; without it each unit counts alike."""
        with self._lock:
            self._work_left = left

    def show(
        self,
        doing: str,
        *,
        done: int = 0,
        present: int = 0,
        skipped: int = 0,
        work: float | None = None,
    ) -> None:
        """Counts what was made, found or given up, and says what is being done.

        Args:
            doing: for the line's end.
            done: what was made.
            present: what was there.
            skipped: what was given up.
            work: how much of what `expect_work` was told was in what was made.
        """
        with self._lock:
            before = self._left()
            self._done += done
            self._work_done += done if work is None else work
            self._work_left -= 0.0 if work is None else work
            if done > 0:
                self._count_with_the_first()
            self._present += present
            self._skipped += skipped
            at_end = before > 0 and self._left() <= 0
            if self._stream is None:
                return
            if self._stream.isatty():
                text = self._text(doing)[: shutil.get_terminal_size().columns - 1]
                self._stream.write("\r" + text.ljust(self._width))
                self._width = len(text)
            elif at_end or self._clock() - self._last >= self._every:
                self._last = self._clock()
                self._stream.write(self._text(doing) + "\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        """A line of its own, the progress line left intact."""
        with self._lock:
            self.end()
            if self._stream is not None:
                self._stream.write(text + "\n")
                self._stream.flush()

    def end(self) -> None:
        """Ends the progress line, if one is on a terminal."""
        with self._lock:
            if self._width and self._stream is not None:
                self._stream.write("\n")
            self._width = 0

    def stop(self) -> None:
        """Asks whoever shares this to end early: an interrupted user is not kept waiting."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def _left(self) -> int:
        return self._total - self._done - self._present - self._skipped

    def _text(self, doing: str) -> str:
        amount, noun = (megabytes, "") if self._unit == "bytes" else (str, f" {self._unit}")
        left = max(0, self._left())
        text = f"{amount(self._done + self._present)} of {amount(self._total)}{noun} done, "
        text += f"{amount(left)} left"
        if self._done > 0 and left:
            each = self._work_done / self._done
            ahead = self._work_left if self._work_left > 0 else left * each
            text += f", about {duration(ahead * self._seconds_a_unit())} to come"
        return f"{text} | {doing}"

    def _count_with_the_first(self) -> None:
        """What ends together with the first, on devices beside it, was no quicker than it."""
        now = self._clock()
        at = now if self._first is None else self._first[0]
        if self._first is None or now - at < (at - self._start) / 100:
            self._first = at, self._work_done

    def _seconds_a_unit(self) -> float:
        """Of work, since the first that were done: these waited for a compilation, too."""
        began, before = self._first or (self._start, 0)
        if self._work_done <= before:
            began, before = self._start, 0
        return (self._clock() - began) / (self._work_done - before)


def megabytes(size: int) -> str:
    """A number of bytes for people.

    Example:
        >>> megabytes(26_421_880), megabytes(5_148)
        ('26.4 MB', '5.1 kB')
    """
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


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
