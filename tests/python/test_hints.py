import pytest

import rayx
from rayx import hints, questions, session


@pytest.fixture
def owner(node):
    return session.current()


def test_each_cause_is_named_once_a_session(owner, capsys):
    assert hints.give(owner, "a", "first")
    assert not hints.give(owner, "a", "again")
    assert hints.give(owner, "b", "second")
    assert capsys.readouterr() == ("", "rayx: first\nrayx: second\n")


@pytest.mark.parametrize("setting", ["0", "off", "False", " no "])
def test_the_environment_switches_them_off(owner, capsys, monkeypatch, setting):
    monkeypatch.setenv(hints.VARIABLE, setting)
    assert not hints.give(owner, "a", "text")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(hints.VARIABLE, "1")
    assert hints.give(owner, "a", "text")


def test_init_switches_them_off(owner, capsys):
    owner.hints = False
    assert not hints.give(owner, "a", "text")
    assert capsys.readouterr().err == ""


def test_a_stderr_that_is_not_there_is_no_error(owner, monkeypatch):
    class Closed:
        def write(self, text):
            raise ValueError("closed")

    for stream in (None, Closed()):
        monkeypatch.setattr(hints.sys, "stderr", stream)
        hints.tell("text")


@pytest.fixture
def interrupted(owner, monkeypatch):
    """An interactive program in which Ctrl-C comes in each wait, while three tasks go on."""

    def wait(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(hints.sys, "ps1", ">>> ", raising=False)
    for name in ("get", "wait"):
        monkeypatch.setattr(owner.client, name, wait)
    monkeypatch.setattr(questions, "count_unfinished", lambda client, timeout_ms: 3)
    return rayx.put(1)


def test_after_an_interrupt_who_goes_on_is_told_what_goes_on(interrupted, capsys):
    for call in (lambda: rayx.get(interrupted), lambda: rayx.wait([interrupted])):
        with pytest.raises(KeyboardInterrupt):
            call()
        assert capsys.readouterr().err == (
            "rayx: interrupted, but 3 tasks of this driver go on. rayx.cancel_all() stops what is "
            "under way\n"
        )


def test_nobody_is_told_if_nothing_goes_on(interrupted, owner, monkeypatch, capsys):
    monkeypatch.setattr(questions, "count_unfinished", lambda client, timeout_ms: 0)
    with pytest.raises(KeyboardInterrupt):
        rayx.get(interrupted)
    monkeypatch.setattr(questions, "count_unfinished", lambda client, timeout_ms: 1)
    with pytest.raises(KeyboardInterrupt):
        rayx.get(interrupted)
    assert "1 task of this driver goes on" in capsys.readouterr().err


@pytest.mark.parametrize("reason", ["script", "worker", "no hints"])
def test_nobody_is_told_who_cannot_go_on_or_wants_no_hints(
    interrupted, owner, monkeypatch, capsys, reason
):
    if reason == "script":
        monkeypatch.delattr(hints.sys, "ps1")
    elif reason == "worker":
        owner.running = "f"
    else:
        owner.hints = False
    with pytest.raises(KeyboardInterrupt):
        rayx.get(interrupted)
    assert capsys.readouterr().err == ""


def test_map_cancels_first_what_it_has_started(interrupted, owner, monkeypatch, capsys):
    @rayx.remote
    def work(x):
        return x

    def count(client, timeout_ms):
        return 3 - len(owner.client.cancelled)

    monkeypatch.setattr(questions, "count_unfinished", count)
    with pytest.raises(KeyboardInterrupt):
        next(rayx.map(work, range(10), max_in_flight=2, chunksize=1))
    assert len(owner.client.cancelled) == 2
    assert capsys.readouterr().err.count("1 task of this driver goes on") == 1


def test_a_map_that_is_closed_cancels_what_it_has_started(node, capsys):
    @rayx.remote
    def work(x):
        return x

    values = rayx.map(work, range(10), max_in_flight=4, chunksize=1)
    assert next(values) == 0
    assert node.cancelled == []
    values.close()
    assert len(node.cancelled) == 3
    assert list(rayx.map(work, range(10), max_in_flight=4, chunksize=1)) == list(range(10))
    assert len(node.cancelled) == 3
    assert capsys.readouterr().err == ""
