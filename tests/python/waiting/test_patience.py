import pytest

import rayx
from rayx import hints, questions, session
from rayx._raylet import detached_object_id
from rayx.waiting import patience
from rayx.waiting.patience import FIRST_LOOK_MS, Look, Patience

IDS = [detached_object_id(bytes([number] * 20)) for number in range(20)]
HELD_UP = ("lacks CPU, actor H", "f needs 1 CPU, 0 of 2 free")


@pytest.fixture
def asked(node, monkeypatch):
    """Of which ids the node was asked; `answers` has what it says, else that they are held up."""

    class Asked(list):
        ready = 0
        answers = {}

        def hold_up(self, client, object_id, timeout_ms):
            self.append(object_id)
            return self.answers.get(object_id, HELD_UP)

        def wait(self, ids, count, timeout_ms):
            assert timeout_ms == 0
            return [index < self.ready for index in range(len(ids))]

    made = Asked()
    monkeypatch.setattr(questions, "hold_up", made.hold_up)
    monkeypatch.setattr(node, "wait", made.wait)
    return made


def looks(ids, needs_all, times):
    last = None
    for waited_ms in times:
        last = patience.look(ids, needs_all, waited_ms, last)
    return last


def test_the_second_look_that_finds_the_same_prints_once_a_cause(asked, capsys):
    first = patience.look(IDS[:2], True, 5_000, None)
    assert capsys.readouterr().err == ""
    second = patience.look(IDS[:2], True, first.next_ms, first)
    assert first.next_ms == 10_000
    assert capsys.readouterr().err == "rayx: no progress for 10 s: f needs 1 CPU, 0 of 2 free\n"
    looks(IDS[:1], True, (5_000, 10_000))
    patience.look(IDS[:2], True, second.next_ms, second)
    assert capsys.readouterr().err == ""
    asked.answers[IDS[0]] = ("another", "g is held up as well")
    looks(IDS[:1], True, (5_000, 10_000))
    assert "g is held up as well" in capsys.readouterr().err


def test_who_waits_for_all_waits_for_the_first(asked, capsys):
    asked.ready = 1
    looks(IDS[:3], True, (5_000, 10_000))
    assert asked == [IDS[1]] * 2
    assert capsys.readouterr().err != ""


def test_what_runs_is_no_reason(asked, capsys):
    asked.answers[IDS[0]] = ("", "")
    looks(IDS[:3], True, (5_000, 10_000))
    # One of several that runs is enough for who waits for one.
    asked.answers = {IDS[2]: ("", "")}
    looks(IDS[:3], False, (5_000, 10_000))
    assert capsys.readouterr().err == ""
    asked.answers = {}
    del asked[:]
    looks(IDS, False, (5_000, 10_000))
    assert asked == IDS[:8] * 2
    assert capsys.readouterr().err != ""


def test_progress_is_no_reason(asked, capsys):
    last = patience.look(IDS[:5], True, 5_000, None)
    asked.ready = 1
    last = patience.look(IDS[:5], True, 10_000, last)
    asked.answers[IDS[1]] = (HELD_UP[0], "f needs 1 CPU: other words, since others run")
    last = patience.look(IDS[:5], True, 15_000, last)
    assert capsys.readouterr().err == ""
    patience.look(IDS[:5], True, 22_000, last)
    assert "no progress for 22 s: f needs 1 CPU: other words" in capsys.readouterr().err


def test_all_there_meanwhile(asked, capsys):
    asked.ready = 2
    looks(IDS[:2], True, (5_000, 10_000))
    assert asked == [] and capsys.readouterr().err == ""


def test_who_wants_no_hints_is_not_looked_at_again(asked, monkeypatch):
    monkeypatch.setenv(hints.VARIABLE, "0")
    assert patience.look(IDS, True, 5_000, None).next_ms > 10**12
    assert asked == []


def test_a_node_that_is_busy_is_asked_again_later(node, monkeypatch, capsys):
    from fake_node import failure

    def hold_up(client, object_id, timeout_ms):
        raise failure("TimedOut")

    monkeypatch.setattr(questions, "hold_up", hold_up)
    assert patience.look(IDS[:1], True, 5_000, None) == Look(10_000)
    assert capsys.readouterr().err == ""


def test_parts_of_a_wait(asked, capsys):
    waiting = Patience()
    assert waiting.part_ms(-1) == FIRST_LOOK_MS
    assert waiting.part_ms(100) == 100
    waiting.look(IDS[:1], FIRST_LOOK_MS)
    assert waiting.part_ms(-1) == FIRST_LOOK_MS
    waiting.look(IDS[:1], FIRST_LOOK_MS)
    assert waiting.part_ms(20_000) == 5_000
    assert "no progress for 10 s" in capsys.readouterr().err


def test_as_completed_looks_between_the_parts(asked, monkeypatch, capsys):
    taken = []

    class Queue:
        def add(self, ids):
            self.ids = ids

        def take(self, timeout_ms):
            taken.append(timeout_ms)
            return self.ids if len(taken) == 4 else []

        def close(self):
            pass

    monkeypatch.setattr(session.current().client, "completions", Queue, raising=False)
    assert list(rayx.as_completed(IDS[:1])) == IDS[:1]
    assert taken == [5_000, 5_000, 5_000, 7_500]
    assert capsys.readouterr().err.count("no progress") == 1
