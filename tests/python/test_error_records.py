import dataclasses

import pytest

from rayx.error_records import ErrorInfo, records


def test_records():
    (record,) = records([(b"d" * 16, b"t" * 16, "f", "TaskError", "text", 1.5)])
    assert record == ErrorInfo("64" * 16, "74" * 16, "f", "TaskError", "text", 1.5)
    assert record.function == record["function"] == "f"
    assert dataclasses.asdict(record) == dict(record)
    assert set(record) == {"driver_id", "task_id", "function", "kind", "message", "time"}


def test_they_cannot_be_changed():
    record = ErrorInfo("", "", "f", "", "", 0.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.function = "g"
    with pytest.raises(KeyError, match="nonsense"):
        record["nonsense"]
    with pytest.raises(KeyError):
        record["__getitem__"]
