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


def test_the_time_to_come_leaves_out_what_only_the_first_waited_for():
    now = 0.0
    stream = io.StringIO()
    progress = Progress(10, stream, every=0.0, clock=lambda: now)
    for seconds in (60.0, 2.0, 2.0):  # a compilation, then two seconds a run
        now += seconds
        progress.show("adam", done=1)
    assert [line.split(", ")[2] for line in stream.getvalue().splitlines()] == [
        "about 9 min 0 s to come | adam",
        "about 16 s to come | adam",
        "about 14 s to come | adam",
    ]


def test_two_runs_that_end_together_both_waited_for_the_compilation():
    now = 0.0
    stream = io.StringIO()
    progress = Progress(10, stream, every=0.0, clock=lambda: now)
    for seconds in (60.0, 0.01, 8.0, 0.01):  # in pairs, one on each core
        now += seconds
        progress.show("adam", done=1)
    first, second, _, last = [line.split(", ")[2] for line in stream.getvalue().splitlines()]
    assert first == "about 9 min 0 s to come | adam"
    assert second == "about 4 min 0 s to come | adam"
    assert last == "about 24 s to come | adam"


def test_the_time_to_come_is_of_the_work_that_is_left():
    now = 0.0
    stream = io.StringIO()
    progress = Progress(6, stream, every=0.0, clock=lambda: now)
    progress.expect_work(3 * 1 + 3 * 100)
    for _ in range(3):  # short runs first, two seconds each
        now += 2.0
        progress.show("adam", done=1, work=1)
    now += 200.0
    progress.show("adam", done=1, work=100)
    text = [line.split(", ")[2] for line in stream.getvalue().splitlines()]
    assert text[1] == "about 10 min 2 s to come | adam"
    assert text[3] == "about 6 min 40 s to come | adam"


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


def test_bytes_of_several_files_add_up_and_may_start_over():
    now = 0.0
    stream = io.StringIO()
    progress = Progress(0, stream, "bytes", every=5.0, clock=lambda: now)
    progress.expect(6_000_000)
    progress.expect(4_000_000)
    for what, done in (("a", 1), ("b", 1), ("a", 1), ("b", -1), ("a", 1)):
        now += 3.0
        progress.show(what, done=done * 1_000_000)
    progress.say("b: failed")
    progress.show("a", done=7_000_000)
    progress.show("a", done=1_000_000)  # a file may be larger than was published
    assert stream.getvalue().splitlines() == [
        "1.0 MB of 10.0 MB done, 9.0 MB left, about 27 s to come | a",
        "3.0 MB of 10.0 MB done, 7.0 MB left, about 21 s to come | a",
        "3.0 MB of 10.0 MB done, 7.0 MB left, about 42 s to come | a",
        "b: failed",
        "10.0 MB of 10.0 MB done, 0.0 kB left | a",
    ]


def test_progress_without_a_stream_is_silent(capsys):
    progress = Progress(1, None)
    progress.say("nothing")
    progress.show("nothing", done=1)
    progress.end()
    assert capsys.readouterr() == ("", "")
