import importlib
import io
import pickle
import sys
import types

import pytest

from rayx.values import child_pickling


@pytest.fixture
def reduction(monkeypatch):
    """The module as it is imported in a worker."""
    from multiprocessing import reduction as loaded

    package = sys.modules["multiprocessing"]
    monkeypatch.setattr(package, "reduction", loaded)
    monkeypatch.delitem(sys.modules, "multiprocessing.reduction")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    child_pickling.install()
    child_pickling.install()
    importlib.import_module("multiprocessing.reduction")

    assert not any(isinstance(one, child_pickling._Finder) for one in sys.meta_path)
    child_pickling.install()
    return sys.modules["multiprocessing.reduction"]


@pytest.fixture
def function():
    """By a name that nobody finds."""
    space = {"__name__": "__main__"}
    exec("def double(x):\n    return 2 * x", space)
    return space["double"]


def test_what_has_no_name_goes_by_value(reduction, function):
    pickled = reduction.ForkingPickler.dumps([function, 1])
    assert b"child_pickling" in bytes(pickled)
    copy, one = pickle.loads(pickled)
    assert (copy(4), one) == (8, 1)
    assert copy is not function


def test_all_else_goes_as_ever(reduction):
    assert bytes(reduction.ForkingPickler.dumps({"a": len})) == bytes(
        pickle.dumps({"a": len}, pickle.DEFAULT_PROTOCOL)
    )


def test_what_cannot_be_pickled_fails_as_ever(reduction, function):
    with pytest.raises(TypeError, match="generator"):
        reduction.ForkingPickler.dumps(one for one in ())
    with pytest.raises((pickle.PicklingError, AttributeError), match="double"):
        reduction.ForkingPickler.dumps([function, types.SimpleNamespace(a=(one for one in ()))])


def test_what_is_written_to_a_new_process(reduction, function):
    file = io.BytesIO()
    reduction.dump("first", file)
    reduction.dump({"target": function}, file)
    file.seek(0)
    assert pickle.load(file) == "first"
    assert pickle.load(file)["target"](5) == 10
    assert file.read() == b""
