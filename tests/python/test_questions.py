import re
from pathlib import Path

import pytest

import rayx
from rayx import questions, session
from rayx._raylet import RayletError, detached_object_id
from rayx.inline.client import InlineClient

SCHEMA = Path(rayx.__file__).parents[2] / "cpp/common/protocol/questions.fbs"
SOME_ID = detached_object_id(b"t" * 20)


class Node:
    """Notes what it is asked, and gives one reply."""

    def __init__(self, reply):
        self.asked = []
        self._reply = reply

    def ask(self, question, fields, timeout_ms):
        self.asked.append((question, fields, timeout_ms))
        return self._reply


def test_resources_are_given_in_whole_units():
    cpu = {"name": "CPU", "units": 25_000}
    node = Node({"total": [cpu], "available": []})
    assert questions.resources(node, 5) == ({"CPU": 2.5}, {})
    assert node.asked == [("Resources", {}, 5)]


def test_tasks_are_named_by_the_objects_they_make():
    node = Node({"cause": "c", "text": "t"})
    assert questions.explain(node, SOME_ID, 5) == "t"
    assert questions.hold_up(node, SOME_ID, 5) == ("c", "t")
    assert [fields for _, fields, _ in node.asked] == [{"task_id": b"t" * 16}] * 2


@pytest.fixture(params=[False, True], ids=["a node", "PYTHON_MODE"])
def client(request):
    if request.param:
        yield InlineClient({"CPU": 2.0}, 1 << 20)
    else:
        with rayx.init(num_cpus=2):
            yield session.current().client


def test_each_has_an_answer(client):
    assert questions.errors(client, 10_000) == []
    assert questions.resources(client, 10_000) == ({"CPU": 2.0}, {"CPU": 2.0})
    assert questions.explain(client, SOME_ID, 10_000) == ""
    assert questions.hold_up(client, SOME_ID, 10_000) == ("", "")
    assert questions.count_unfinished(client, 10_000) == 0
    assert questions.node(client, 10_000)["host"] == "127.0.0.1"
    (node,) = questions.nodes(client, 10_000)
    assert node["node_id"] == client.node_id and node["total"] == {"CPU": 2.0}


def test_a_node_is_asked_by_the_names_of_the_schema():
    union = re.search(r"union Question \{(.*?)\}", SCHEMA.read_text(), re.DOTALL).group(1)
    source = Path(questions.__file__).read_text()
    asked = set(re.findall(r'\.ask\("(\w+)"', source))
    # An actor's name is asked for by Client.find_actor, since whoever asks refers to the actor.
    assert asked | {"NamedActor"} == set(re.findall(r"(\w+):", union))


def test_what_cannot_be_asked():
    with rayx.init(num_cpus=1):
        client = session.current().client
        assert questions.dump(client, 10_000).startswith("node ")
        with pytest.raises(RayletError, match="there is no question Weather"):
            client.ask("Weather", {}, 10_000)
        with pytest.raises(RayletError, match="takes no such id"):
            client.ask("Explain", {"id": 5}, 10_000)
        with pytest.raises(TypeError):
            client.ask("Explain", {"task_id": None}, 10_000)
    with pytest.raises(RayletError, match="nobody answers Dump in PYTHON_MODE"):
        questions.dump(InlineClient({}, 1 << 20), 0)
