import io

from experiments.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_tells_done_left_and_the_time_to_come(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    now = 0.0
    stream = _Terminal()
    progress = Progress(10, stream, clock=lambda: now)
    progress.show("reading", present=4)
    now = 30.0
    progress.show("adam on digits", done=1)
    now = 60.0
    progress.show("adam on digits", done=1, skipped=1)
    lines = stream.getvalue().split("\r")[1:]
    assert lines[0].startswith("4 of 10 runs done, 6 left | reading")
    assert lines[1].startswith("5 of 10 runs done, 5 left, about 2 min 30 s to come")
    assert lines[2].startswith("6 of 10 runs done, 3 left, about 1 min 30 s to come")
    assert "\n" not in stream.getvalue()


def test_progress_in_a_log_is_occasional():
    now = 0.0
    stream = io.StringIO()
    progress = Progress(100, stream, every=10.0, clock=lambda: now)
    for _ in range(100):
        now += 1.0
        progress.show("adam on digits", done=1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1] == "100 of 100 runs done, 0 left | adam on digits"
