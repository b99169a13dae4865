"""One typed record a run: its fields and identity, where it is kept, where it was made."""

from experiments.records.lines import encode, parse, to_csv
from experiments.records.record import IDENTITY, DataFacts, Record, identity
from experiments.records.storage import Reading, RecordError, Writer, check_apart, read

__all__ = [
    "IDENTITY",
    "DataFacts",
    "Reading",
    "Record",
    "RecordError",
    "Writer",
    "check_apart",
    "encode",
    "identity",
    "parse",
    "read",
    "to_csv",
]
