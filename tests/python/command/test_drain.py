import os

import pytest

from rayx import questions
from rayx._raylet import RayletError
from rayx.command import chosen
from rayx.command import drain as drain_command
from rayx.command import main as command
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord

NODES = [
    {"node_id": bytes([number]) * 16, "host": host, "port": 6379, "alive": alive}
    for number, host, alive in [
        (0x1A, "192.0.2.1", True),
        (0x1B, "192.0.2.2", True),
        (0x2C, "192.0.2.3", True),
        (0x2D, "192.0.2.4", False),
    ]
]
NOTHING = {"left_ms": 1000, "tasks": 0, "actors": 0, "calls": 0, "objects": 0, "drivers": 0}


class FakeClient:
    @classmethod
    def connect_observer(cls, path, identity):
        return cls()

    def close(self):
        pass


class Log(list):
    lives_on = False


@pytest.fixture
def asked(monkeypatch):
    """What nodes were asked; each answers in turn what stands in `answers`, then it has left."""
    log = Log()
    log_answers = []

    def drain(client, timeout_ms, node_id=None, grace_ms=None):
        log.append((node_id[0], grace_ms))
        if not log_answers:
            raise RayletError("TimedOut", "it does not answer")
        answer = log_answers.pop(0)
        if isinstance(answer, str):
            raise RayletError("Unavailable", answer)
        return NOTHING | answer

    def nodes(client, timeout_ms):
        is_there = log_answers or not log[1:] or log.lives_on
        return NODES if is_there else [one | {"alive": False} for one in NODES]

    record = SessionRecord(
        "127.0.0.1:1", "/nowhere", ProcessIdentity.of(os.getpid()), 0.0, "0", "3"
    )
    monkeypatch.setattr(chosen, "records", lambda address: [record])
    monkeypatch.setattr(drain_command, "Client", FakeClient)
    monkeypatch.setattr(questions, "nodes", nodes)
    monkeypatch.setattr(questions, "node", lambda client, timeout_ms: NODES[0])
    monkeypatch.setattr(questions, "drain", drain)
    log.append(log_answers)
    return log


def run(asked, *arguments, answers=()):
    """The exit code, and the questions."""
    given = asked[0]
    given[:] = list(answers)
    del asked[1:]
    return command.main(["drain", *arguments]), asked[1:]


def test_it_waits_until_the_node_has_left(asked, capsys):
    code, log = run(asked, "--grace=2m", answers=[{"tasks": 2, "objects": 1}, {}])
    assert code == 0
    assert log == [(0x1A, 120_000), (0x1A, None)]
    name = "node 1a1a1a1a at 192.0.2.1:6379"
    assert capsys.readouterr().out == (
        f"{name} is drained: 2 tasks, 1 object to go, 1 s at the most\n"
        f"{name} is drained: nothing of others is left\n"
        f"{name} has left.\n"
    )


def test_what_was_left_is_told(asked, capsys):
    code, _ = run(asked, answers=[{"actors": 1}])
    assert code == 1
    assert "has left; when it was last heard, 1 actor to go" in capsys.readouterr().out


def test_one_that_cannot_be_reached_has_not_left_by_that(asked, capsys, monkeypatch):
    monkeypatch.setattr(drain_command, "_PATIENCE_SECONDS", -1.0)
    asked.lives_on = True
    code, _ = run(asked, answers=[{"tasks": 1}])
    assert code == 1
    assert "should have left by now, and has not. It does not answer" in capsys.readouterr().err
    code, _ = run(asked, answers=[{}])
    assert code == 1
    assert "has nothing of others any more, and does not leave" in capsys.readouterr().err


def test_it_need_not_wait(asked, capsys):
    code, log = run(asked, "--no-wait", answers=[{"tasks": 1}])
    assert code == 0
    assert len(log) == 1
    assert "leaves in 1 s at the latest" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["192.0.2.3", "192.0.2.3:6379", "2c", "2C2C", "2c" * 16])
def test_a_node_has_names(asked, text):
    code, log = run(asked, text, "--no-wait", answers=[{}])
    assert code == 0
    assert log == [(0x2C, None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1", "more than one node of the cluster 127.0.0.1:1 is meant by '1'"),
        ("192.0.2.4", "no node of the cluster 127.0.0.1:1 is meant by '192.0.2.4'"),
    ],
)
def test_a_name_must_be_of_one_that_lives(asked, capsys, text, said):
    code, log = run(asked, text)
    assert (code, log) == (2, [])
    told = capsys.readouterr().err
    assert said in told
    assert "  " + "1b" * 16 + " at 192.0.2.2:6379" in told


def test_one_that_cannot_be_drained_says_why(asked, capsys):
    code, _ = run(asked, answers=["it is the head"])
    assert code == 1
    assert "node 1a1a1a1a at 192.0.2.1:6379 cannot be drained: it is the head" in (
        capsys.readouterr().err
    )


def test_there_must_be_one_session(monkeypatch, capsys):
    here = ProcessIdentity.of(os.getpid())
    records = [SessionRecord(f"127.0.0.1:{i}", "/nowhere", here, 0.0, "0", "3") for i in (1, 2)]
    monkeypatch.setattr(chosen, "records", lambda address: records)
    assert command.main(["drain"]) == 2
    assert "say by --address which one's" in capsys.readouterr().err
    monkeypatch.setattr(chosen, "records", lambda address: [])
    assert command.main(["drain"]) == 1
    assert "there is no session of yours on this machine" in capsys.readouterr().err
