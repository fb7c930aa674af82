"""What a cluster is asked for, and the file with its key; its nodes: tests/e2e."""

import os
import stat

import pytest

import rayx
from rayx import cluster
from rayx.records import cluster_key, session_records


def test_it_is_found_in_the_module():
    assert rayx.cluster is cluster


@pytest.mark.parametrize(
    ("nodes", "error", "text"),
    [
        (0, ValueError, "nodes must be"),
        ([], ValueError, "nodes must be 1 to 64"),
        ([{}] * 65, ValueError, "nodes must be 1 to 64"),
        (65, ValueError, "nodes must be"),
        (True, TypeError, "nodes must be a number, or a list"),
        ("two", TypeError, "nodes must be a number, or a list"),
        ({"num_cpus": 1}, TypeError, "nodes must be a number, or a list"),
        ([{}, 2], TypeError, r"nodes\[1\] must be a dictionary such as"),
        ([{"cpus": 2}], ValueError, r"nodes\[0\]: 'cpus' is none of num_cpus, .*mean 'num_cpus'"),
        ([{}, {1: 2}], ValueError, r"nodes\[1\]: 1 is none of num_cpus"),
        ([{}, {"num_cpus": -1}], ValueError, r"nodes\[1\]: num_cpus must"),
        ([{"num_cpus": "many"}], TypeError, r"nodes\[0\]: num_cpus must"),
        ([{"resources": {"CPU": 1}}], ValueError, r"nodes\[0\]: give CPU as num_cpus=1"),
        ([{"object_store_memory": 1}], ValueError, r"nodes\[0\]: object_store_memory"),
    ],
)
def test_bad_nodes_are_refused(nodes, error, text):
    with pytest.raises(error, match=text):
        cluster.Cluster(nodes=nodes)


def test_what_is_not_told_is_little():
    several = cluster._checked_nodes([{}, {"num_cpus": 3, "object_store_memory": 1 << 29}])
    assert [node.num_cpus for node in several] == [1, 3]
    assert [node.num_workers for node in several] == [1, 3]
    assert several[0].object_store_bytes <= 1 << 28
    assert several[1].object_store_bytes == 1 << 29
    assert len(cluster._checked_nodes(3)) == 3


@pytest.fixture
def unstarted(monkeypatch, tmp_path):
    """A cluster without nodes."""
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    monkeypatch.setattr(cluster.Cluster, "__init__", lambda self: None)
    made = cluster.Cluster()
    made._key = bytes(range(32))
    return made


def test_the_key_is_there_for_as_long_as_nodes_start(unstarted):
    old_mask = os.umask(0o777)
    try:
        with unstarted._key_file() as path:
            assert cluster_key.read(path) == bytes(range(32))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(old_mask)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(ZeroDivisionError), unstarted._key_file() as path:
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []


def test_keys_that_were_left_go_when_they_are_old(unstarted):
    place = session_records.make_directory()
    old, new = place / "cluster-0.key", place / "cluster-1.key"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    with unstarted._key_file():
        assert not old.exists()
        assert new.exists()
