import io
import sys
import types

import pytest

import rayx
from rayx.results import progress_bar


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
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=terminal, modules={}))
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
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=stream, modules={}))
    rayx.progress([rayx.put(1)])
    assert stream is None or stream.getvalue() == ""


def test_a_terminal_that_goes_away(plain):
    plain.close()
    rayx.progress([rayx.put(1)])


def test_by_rich(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=terminal, modules={}))
    rayx.progress([rayx.put(i) for i in range(3)], description="rich one")
    assert "rich one" in terminal.getvalue() and "3/3" in terminal.getvalue()


@rayx.remote
def fail():
    raise ValueError("no")


def test_failures_are_told_apart(plain):
    rayx.progress([rayx.put(1), fail.remote(), rayx.put(2)])
    assert "] 2/3, 1 failed  0:00\n" in plain.getvalue()
    assert f"[{'#' * 20}{'-' * 10}]" in plain.getvalue()


def test_failures_by_rich(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(progress_bar, "sys", types.SimpleNamespace(stderr=terminal, modules={}))
    rayx.progress([rayx.put(1), fail.remote()])
    assert "1/2, 1 failed" in terminal.getvalue()


class Notebook(types.ModuleType):
    """What progress uses of IPython in a notebook; `drawn` is what was shown below the cell."""

    def __init__(self, kernel):
        super().__init__("IPython")
        self.drawn = []
        self.get_ipython = lambda: types.SimpleNamespace(kernel=kernel)
        self.display = types.ModuleType("IPython.display")
        self.display.display = self._display

    def _display(self, shown, display_id):
        assert display_id
        self.update(shown)
        return self

    def update(self, shown):
        self.drawn.append((shown._repr_html_(), repr(shown)))


@pytest.fixture
def notebook(monkeypatch):
    made = Notebook(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", made)
    monkeypatch.setitem(sys.modules, "IPython.display", made.display)
    return made


def test_in_a_notebook(notebook, capsys):
    ids = [rayx.put(1), fail.remote()]
    returned = rayx.progress(ids, "<b>train</b>")
    first, last = notebook.drawn[0], notebook.drawn[-1]
    assert 'value="0" max="2"></progress> 0/2 ' in first[0]
    assert "&lt;b&gt;train&lt;/b&gt;" in first[0]
    assert 'value="1" max="2"></progress> 1/2, 1 failed ' in last[0]
    assert last[1].startswith("<b>train</b> 1/2, 1 failed  0:0")
    assert "train" not in capsys.readouterr().err
    # It is the list that it was, and no value of a cell.
    assert returned == ids and isinstance(returned, list)
    assert returned._ipython_display_() is None


def test_in_ipython_without_a_notebook(plain, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", Notebook(kernel=None))
    monkeypatch.setattr(progress_bar.sys, "modules", sys.modules, raising=False)
    returned = rayx.progress([rayx.put(1)])
    assert "1/1" in plain.getvalue()
    assert returned._ipython_display_() is None


def test_a_script_has_a_plain_list(plain):
    assert type(rayx.progress([rayx.put(1)])) is list


def test_refuses():
    with pytest.raises(TypeError, match="description must be a string"):
        rayx.progress([], description=5)
    with pytest.raises(TypeError, match="ObjectIDs"):
        rayx.progress([1])
