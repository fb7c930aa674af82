import dataclasses

import pytest

from rayx.records.node_info import NodeInfo, records

FOUND = {
    "node_id": b"n" * 16,
    "host": "127.0.0.1",
    "port": 4711,
    "pid": 7,
    "alive": 1,
    "total": {"CPU": 2.0},
    "pool_bytes": 4096,
    "started_at": 1.5,
    "heartbeat_at": 2.5,
}


def test_what_the_client_tells_becomes_records():
    (record,) = records([FOUND])
    expected = NodeInfo("6e" * 16, "127.0.0.1", 4711, 7, True, {"CPU": 2.0}, 4096, 1.5, 2.5)
    assert record == expected


def test_fields_by_name():
    (record,) = records([FOUND | {"alive": 0}])
    assert record["alive"] is False
    assert dict(record) == dataclasses.asdict(record)
    assert list(record) == [field.name for field in dataclasses.fields(NodeInfo)]
    with pytest.raises(KeyError):
        record["keys"]
