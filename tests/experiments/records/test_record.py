import csv
import inspect
import io
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import records
from experiments.records import DataFacts, Record

numbers = st.none() | st.floats() | st.integers(-(2**40), 2**40)


@settings(max_examples=100, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=4), st.text(max_size=8), numbers)
def test_a_line_is_one_line_of_strict_json_and_reads_back(synthetic, losses, note, accuracy):
    record = replace(synthetic(), train_loss=losses, note=note, train_accuracy=accuracy)
    line = records.encode(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    found = records.parse(line)
    finite = [
        None if isinstance(x, float) and not abs(x) < float("inf") else x
        for x in [*losses, accuracy]
    ]
    assert [*found.train_loss, found.train_accuracy] == finite
    assert found.note == note


def test_every_field_survives_writing(synthetic):
    record = synthetic(
        regime="B",
        phase="final",
        schedule="warmup_cosine",
        validation_accuracy=[0.5, 0.75],
        data=DataFacts(examples=3, shape=[32, 32, 1]),
        layout={"devices": 2},
    )
    assert records.parse(records.encode(record)) == record


def test_identity_depends_on_the_cell_alone(synthetic):
    record = synthetic()
    assert replace(record, seconds=1.0, commit="x", note="y").identity == record.identity
    changes = {
        "protocol": "paper[epochs=2]",
        "protocol_version": 2,
        "protocol_hash": "0",
        "regime": "A",
        "phase": "final",
        "dataset": "mnist",
        "fingerprint": "other",
        "network": "vit",
        "network_source": "1",
        "optimizer": "adamw",
        "optimizer_source": "2",
        "hyperparameters": {"learning_rate": 0.002},
        "schedule": "warmup",
        "seed": 1,
    }
    assert set(changes) == set(records.IDENTITY)
    found = {replace(record, **{name: value}).identity for name, value in changes.items()}
    assert len(found | {record.identity}) == len(changes) + 1


def test_identity_stays_the_same_for_good(synthetic):
    # Records committed today must still count as done tomorrow.
    assert synthetic(fingerprint="00", seed=7).identity == "8aee1ebc92038489"


def test_what_an_older_version_did_not_say_has_its_default(synthetic):
    line = json.loads(records.encode(synthetic()))
    assert not {"network", "schedule", "phase"} & line.keys()
    found = records.parse(json.dumps(line | {"of a later version": 3}).encode())
    assert (found.network, found.schedule, found.phase, found.layout) == (
        "convnet",
        "constant",
        None,
        {},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "three"}, r"Expected `int`, got `str` - at `\$.seed`"),
        ({"seed": True}, r"Expected `int`, got `bool` - at `\$.seed`"),
        ({"train_loss": []}, "train_loss is empty"),
        ({"train_loss": ["a"]}, r"Expected `float \| null`, got `str` - at `\$.train_loss\[0\]`"),
        ({"hyperparameters": {"learning_rate": None}}, r"got `null` - at `\$.hyperparameters"),
        ({"hyperparameters": None}, r"Expected `object`, got `null` - at `\$.hyperparameters`"),
        ({"data": {"examples": "many"}}, r"`int \| null`, got `str` - at `\$.data.examples`"),
        ({"data": 3}, r"Expected `object`, got `int` - at `\$.data`"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(synthetic, change, message):
    line = json.dumps(json.loads(records.encode(synthetic())) | change).encode()
    with pytest.raises(ValueError, match=message):
        records.parse(line)


def test_every_field_is_documented():
    for kind in (Record, DataFacts):
        for one in fields(kind):
            assert f"    {one.name}: " in (inspect.getdoc(kind) or ""), one.name


def test_a_table_of_runs_has_every_field_but_lists_and_bits(synthetic):
    one = synthetic(
        hyperparameters={"b": 1.0, "a": 0.5},
        data=DataFacts(shape=[8, 8, 1], label_noise=float("nan")),
        test_correct="wA==",
        layout={},
        validation_loss=[0.5],
    )
    (row,) = csv.DictReader(io.StringIO(records.to_csv([one])))
    lists = {"train_loss", "validation_accuracy", "validation_loss", "health"}
    assert row.keys() == {field.name for field in fields(Record)} - lists - {"test_correct"}
    assert row["hyperparameters"] == '{"a":0.5,"b":1.0}'
    data = json.loads(row["data"])
    assert (data["shape"], data["label_noise"], data["rule"]) == ([8, 8, 1], None, None)
    assert (row["layout"], row["regime"], row["optimizer"]) == ("{}", "", one.optimizer)


def test_a_list_of_another_kind_is_named(synthetic):
    line = json.loads(records.encode(synthetic()))
    for change in ({"train_loss": [0.5, "x"]}, {"hyperparameters": {"b1": "high"}}):
        with pytest.raises(ValueError, match=next(iter(change))):
            records.parse(json.dumps(line | change).encode())
