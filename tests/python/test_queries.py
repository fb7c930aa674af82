import pytest

import rayx
from rayx import queries


def test_error_info(node):
    @rayx.remote
    def f():
        raise Exception("This task failed!!")

    with pytest.raises(rayx.TaskError):
        rayx.get(f.remote())
    (info,) = rayx.error_info()
    assert type(info) is rayx.ErrorInfo
    assert info.function == info["function"] == "f"
    assert info.kind == "TaskError"
    assert "This task failed!!" in info.message
    assert info.driver_id == (b"d" * 16).hex()


def test_resources(node):
    assert rayx.cluster_resources() == {"CPU": 2.0}
    assert rayx.available_resources() == {"CPU": 1.0}


def test_what_is_used_up_is_a_zero(node, monkeypatch):
    totals = {"CPU": 2.0, "disk": 1.0}
    monkeypatch.setattr(node, "resources", lambda: (totals, {"CPU": 0.5}))
    assert rayx.available_resources() == {"CPU": 0.5, "disk": 0.0}
    monkeypatch.setattr(node, "resources", lambda: (totals, {}))
    assert rayx.available_resources() == {"CPU": 0.0, "disk": 0.0}


def test_in_a_cluster_they_are_those_of_all_nodes(node):
    node.is_in_cluster = True
    node.others = [({"CPU": 4.0, "disk": 1.0}, {"CPU": 3.0}), ({"CPU": 1.0}, {})]
    assert rayx.cluster_resources() == {"CPU": 7.0, "disk": 1.0}
    assert rayx.available_resources() == {"CPU": 4.0, "disk": 0.0}


def test_nodes(node):
    (info,) = rayx.nodes()
    assert type(info) is rayx.NodeInfo
    assert (info.address, info.alive, info.resources) == ("127.0.0.1", True, {"CPU": 2.0})
    assert rayx.get_node_ip_address() == "127.0.0.1"


@pytest.mark.parametrize(
    "call",
    [
        queries.error_info,
        queries.nodes,
        queries.get_node_ip_address,
        queries.cluster_resources,
        queries.available_resources,
    ],
)
def test_questions_need_a_session(call):
    with pytest.raises(rayx.NotInitializedError):
        call()
