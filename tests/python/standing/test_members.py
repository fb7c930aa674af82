"""With a head that tells of more nodes each time it is asked; real ones: tests/python/runs."""

import pytest

import rayx
from rayx._raylet import RayletError
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord
from rayx.standing import members

HEAD = SessionRecord(
    "192.0.2.7:1", "/tmp/rayx-1", ProcessIdentity(1, 1), 1.0, "0.1", "3.11", "", ""
)


@pytest.fixture
def nodes(monkeypatch):
    """What it tells, answer for answer; the last one for ever."""
    answers = []

    class Clients:
        @staticmethod
        def connect_observer(socket, driver_id):
            assert socket == "/tmp/rayx-1/node.sock"
            return Clients()

        def close(self):
            answers.append("closed")

    def tell(client, timeout_ms):
        told = answers[0] if len(answers) == 1 else answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return [{"host": "192.0.2.7", "port": port, "alive": port < 10} for port in told]

    monkeypatch.setattr(members, "Client", Clients)
    monkeypatch.setattr(members.questions, "nodes", tell)
    return answers


def test_it_waits_for_those_that_are_named(nodes):
    nodes += [[1], [1, 2], [1, 2, 3]]
    members.wait_for(HEAD, {"192.0.2.7:1", "192.0.2.7:3"}, members.in_seconds(10))
    assert nodes == [[1, 2, 3], "closed"]


def test_it_waits_for_so_many_that_live(nodes):
    nodes += [[1, 11], [1, 11, 2]]
    members.wait_for_count(HEAD, 2, members.in_seconds(10))
    assert nodes == [[1, 11, 2], "closed"]


def test_those_that_are_missing_are_named(nodes):
    nodes.append([1])
    with pytest.raises(rayx.StartError, match=r"cluster: 192\.0\.2\.7:3, 192\.0\.2\.7:4$"):
        members.wait_for(HEAD, {"192.0.2.7:4", "192.0.2.7:3"}, members.in_seconds(0.1))
    nodes[:] = [[1]]
    with pytest.raises(rayx.StartError, match=r"2 of 3; there are 192\.0\.2\.7:1$"):
        members.wait_for_count(HEAD, 3, members.in_seconds(0.1))


def test_a_head_that_does_not_answer(nodes):
    nodes.append(RayletError("Unavailable", "it is gone"))
    with pytest.raises(rayx.StartError, match="head does not answer: it is gone"):
        members.wait_for_count(HEAD, 1, members.in_seconds(10))
