import pytest

from rayx import hints, session


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
