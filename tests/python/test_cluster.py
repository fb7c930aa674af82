"""What a cluster is asked for, and the file with its key; its nodes: tests/e2e."""

import pytest

import rayx
from rayx import cluster


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
