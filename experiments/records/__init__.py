"""One typed record a run: its fields and identity, where it is kept, where it was made."""

from experiments.records.record import IDENTITY, DataFacts, Record, encode, identity, parse
from experiments.records.storage import Reading, RecordError, Writer, read

__all__ = [
    "IDENTITY",
    "DataFacts",
    "Reading",
    "Record",
    "RecordError",
    "Writer",
    "encode",
    "identity",
    "parse",
    "read",
]
