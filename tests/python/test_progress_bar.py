import io
import sys
import types

import pytest

import rayx
from rayx import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def inline():
    with rayx.init(num_cpus=2, driver_mode=rayx.PYTHON_MODE):
        yield


@pytest.fixture
def plain(monkeypatch):
    """A terminal without rich."""
    terminal = Terminal()
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=terminal))
    monkeypatch.setitem(sys.modules, "rich", None)
    return terminal


def test_a_plain_line(plain):
    ids = [rayx.put(i) for i in range(4)]
    assert rayx.progress(ids, description="training") == ids
    first, *_, last = plain.getvalue().split("\r")[1:]
    assert first.startswith("training [---") and "0/4" in first
    assert last.endswith(f"[{'#' * 30}] 4/4  0:00\n")


def test_without_anything_to_wait_for(plain):
    assert rayx.progress([]) == []
    assert "0/0" in plain.getvalue()


def test_ids_come_from_any_iterable(plain):
    assert rayx.get(rayx.progress(rayx.put(i) for i in range(3))) == [0, 1, 2]


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_quiet_without_a_terminal(monkeypatch, stream):
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=stream))
    rayx.progress([rayx.put(1)])
    assert stream is None or stream.getvalue() == ""


def test_a_terminal_that_goes_away(plain):
    plain.close()
    rayx.progress([rayx.put(1)])


def test_by_rich(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=terminal))
    rayx.progress([rayx.put(i) for i in range(3)], description="rich one")
    assert "rich one" in terminal.getvalue() and "3/3" in terminal.getvalue()


def test_refuses():
    with pytest.raises(TypeError, match="description must be a string"):
        rayx.progress([], description=5)
    with pytest.raises(TypeError, match="ObjectIDs"):
        rayx.progress([1])
