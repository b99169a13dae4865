import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import records


def test_what_is_written_is_read(tmp_path, synthetic):
    made = [synthetic(seed=seed) for seed in range(3)]
    with records.Writer(tmp_path / "new" / "folder") as writer:
        for record in made:
            writer.append(record)
    assert records.read(tmp_path / "new" / "folder") == records.Reading(made, [])


def test_losses_that_are_not_finite_are_read_as_none(tmp_path, synthetic):
    with records.Writer(tmp_path) as writer:
        writer.append(synthetic(train_loss=[2.0, float("nan"), float("inf")], status="diverged"))
    assert records.read(tmp_path).records[0].train_loss == [2.0, None, None]


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_torn_last_line_is_left_out_with_a_notice_and_repaired(tmp_path, synthetic, cut):
    with records.Writer(tmp_path) as writer:
        writer.append(synthetic(seed=0))
        writer.append(synthetic(seed=1))
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[: -1 - cut])
    reading = records.read(tmp_path)
    assert [record.seed for record in reading.records] == [0]
    assert len(reading.notices) == 1
    assert "line 2" in reading.notices[0]
    with records.Writer(tmp_path) as writer:
        writer.append(synthetic(seed=1))
    assert file.read_bytes() == whole
    assert records.read(tmp_path).notices == []


def test_a_last_line_that_lacks_only_its_newline_is_kept(tmp_path, synthetic):
    with records.Writer(tmp_path) as writer:
        writer.append(synthetic(seed=0))
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-1])
    assert len(records.read(tmp_path).records) == 1
    with records.Writer(tmp_path) as writer:
        writer.append(synthetic(seed=1))
    assert [r.seed for r in records.read(tmp_path).records] == [0, 1]


WRITE_FOR_EVER = """
import itertools, sys
from dataclasses import replace
from experiments import records
record = records.parse(sys.argv[2].encode())
with records.Writer(sys.argv[1]) as writer:
    for seed in itertools.count():
        writer.append(replace(record, seed=seed))
"""


def test_kill_9_in_the_middle_of_writing_loses_at_most_one_record(tmp_path, synthetic):
    child = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path), records.encode(synthetic()).decode()],
        cwd=Path(records.__file__).parents[2],
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(
        file.stat().st_size > 20_000 for file in tmp_path.glob("*.jsonl")
    ):
        time.sleep(0.01)
    child.kill()
    child.wait()
    kept = [record.seed for record in records.read(tmp_path).records]
    assert kept == list(range(len(kept)))
    assert len(kept) > 5
    with records.Writer(tmp_path) as writer:  # the dead process's file is taken over
        writer.append(synthetic(seed=len(kept)))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    assert len(records.read(tmp_path).records) == len(kept) + 1


def test_two_writers_at_once_have_files_of_their_own(tmp_path, synthetic):
    with records.Writer(tmp_path) as one, records.Writer(tmp_path) as two:
        one.append(synthetic(seed=0))
        two.append(synthetic(seed=1))
        one.append(synthetic(seed=2))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert sorted(r.seed for r in records.read(tmp_path).records) == [0, 1, 2]


def test_shards_have_names_of_their_own(tmp_path, synthetic):
    for index in range(2):
        with records.Writer(tmp_path, (index, 2)) as writer:
            writer.append(synthetic(seed=index))
    names = sorted(file.name for file in tmp_path.iterdir())
    assert [name[:13] for name in names] == ["records-0of2-", "records-1of2-"]


def test_a_writer_that_writes_nothing_leaves_nothing(tmp_path):
    with records.Writer(tmp_path / "made"):
        pass
    assert list((tmp_path / "made").iterdir()) == []


def test_compressed_records_are_read_and_duplicates_are_reported(tmp_path, synthetic):
    lines = records.encode(synthetic(seed=0)) + records.encode(synthetic(seed=1))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "b.jsonl").write_bytes(
        records.encode(synthetic(seed=1, train_loss=[9.0])) + records.encode(synthetic(seed=2))
    )
    reading = records.read(tmp_path)
    assert [record.seed for record in reading.records] == [0, 1, 2]
    assert reading.records[1].train_loss != [9.0]  # the first by file name
    assert len(reading.notices) == 1
    assert "1 with another result" in reading.notices[0]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"{not json", "JSON is malformed"),
        (b"[1, 2]", "Expected `object`, got `array`"),
        (b'{"protocol": "paper"}', "missing required field `protocol_version`"),
        (b"\xff\xfe", "JSON is malformed"),
        (b'{"protocol": "\xff"}', "UTF-8"),
    ],
)
def test_an_unreadable_line_is_named(tmp_path, synthetic, line, what):
    (tmp_path / "x.jsonl").write_bytes(records.encode(synthetic()) + line + b"\n")
    with pytest.raises(records.RecordError, match=r"x\.jsonl, line 2") as error:
        records.read(tmp_path)
    assert what.lower() in str(error.value).lower()


def test_a_folder_of_train_is_told_from_one_of_records(tmp_path):
    """Its curve is no broken record: nobody is to delete lines of it."""
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "curve.jsonl").write_text('{"step": 1, "loss": 2.3}\n')
    with pytest.raises(records.RecordError, match="is a folder of `train`") as error:
        records.read(tmp_path)
    assert "curve.jsonl, result.json and phases.csv" in str(error.value)
    assert "delete" not in str(error.value)


def test_a_folder_of_the_distortion_study_is_told_from_one_of_records(tmp_path):
    (tmp_path / "distortion-3-layers.jsonl").write_text('{"depth": 3}\n')
    for missing_ok in (False, True):  # `run` is not to write beside it either
        with pytest.raises(records.RecordError, match="of the distortion study") as error:
            records.read(tmp_path, missing_ok=missing_ok)
        assert "delete" not in str(error.value)


def test_folders_that_are_none(tmp_path, synthetic):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(records.RecordError, match="is a file"):
        records.read(file)
    with pytest.raises(ValueError, match="a file; expected a folder"):
        records.Writer(file)
    with pytest.raises(records.RecordError, match="no folder"):
        records.read(tmp_path / "absent")
    with pytest.raises(records.RecordError, match="no records"):
        records.read(tmp_path)
    assert records.read(tmp_path / "absent", missing_ok=True).records == []
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(records.encode(synthetic()))[:-5])
    with pytest.raises(records.RecordError, match=r"cannot read .*x\.jsonl\.gz"):
        records.read(tmp_path)
    whole = bytearray(gzip.compress(records.encode(synthetic())))
    whole[20] ^= 0xFF  # damaged inside
    (tmp_path / "x.jsonl.gz").write_bytes(whole)
    with pytest.raises(records.RecordError, match=r"cannot read .*x\.jsonl\.gz"):
        records.read(tmp_path)
    (tmp_path / "x.jsonl.gz").unlink()
    bad = records.encode(synthetic()).replace(b'"seconds": ', b'"seconds": NaN, "was": ')
    (tmp_path / "x.jsonl").write_bytes(bad + b"\n")
    with pytest.raises(records.RecordError, match="JSON is malformed: invalid character"):
        records.read(tmp_path)


def test_a_full_disk_leaves_whole_lines_only(tmp_path, synthetic, monkeypatch):
    with records.Writer(tmp_path) as writer:
        writer.append(synthetic(seed=0))
        write = os.write
        monkeypatch.setattr(os, "write", lambda file, data: write(file, data[: len(data) // 2]))
        with pytest.raises(records.RecordError, match="disk is full"):
            writer.append(synthetic(seed=1))
        monkeypatch.undo()
        writer.append(synthetic(seed=2))
    reading = records.read(tmp_path)
    assert [r.seed for r in reading.records] == [0, 2]
    assert reading.notices == []
