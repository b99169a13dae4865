"""One typed record a run: its schema and identity, where it is kept, where it was made."""

from experiments.records.storage import (
    IDENTITY,
    Reading,
    Record,
    RecordError,
    Writer,
    encode,
    identity,
    read,
)

__all__ = ["IDENTITY", "Reading", "Record", "RecordError", "Writer", "encode", "identity", "read"]
