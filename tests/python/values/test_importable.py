import collections.abc
import importlib
import importlib.util
import os.path
import sys
import types

import numpy as np
import pytest

from rayx.values import importable


@pytest.fixture(autouse=True)
def fresh():
    importable.share_path(None)
    yield
    importable.share_path(None)


def test_of_the_library_and_of_packages():
    for thing in (
        collections.abc.Mapping,
        os.path.join,
        len,
        int,
        np.ndarray,
        np.linalg.norm,
        pytest.raises,
    ):
        assert importable.by_others(thing)


def test_main_is_somebody_else_elsewhere():
    assert not importable.by_others(types.SimpleNamespace(__module__="__main__"))


def test_without_a_module_pickle_decides():
    assert importable.by_others(types.SimpleNamespace(__module__=None))


def test_a_module_made_by_hand(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_by_hand", types.ModuleType("made_by_hand"))
    assert not importable.is_importable("made_by_hand")
    assert not importable.is_importable("never_heard_of.it")


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_file_off_the_path_and_on_it(tmp_path, monkeypatch):
    (tmp_path / "some_module.py").write_text("class Thing: pass")
    module = load("some_module", tmp_path / "some_module.py")
    monkeypatch.setitem(sys.modules, "some_module", module)
    assert not importable.by_others(module.Thing)
    assert not importable.by_others(module.Thing)
    monkeypatch.syspath_prepend(str(tmp_path))
    importable.share_path(None)
    assert importable.by_others(module.Thing)


def test_a_file_hidden_by_another(tmp_path, monkeypatch):
    for directory in ("seen", "hidden"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "twice.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "seen"))
    monkeypatch.setitem(sys.modules, "twice", load("twice", tmp_path / "hidden" / "twice.py"))
    assert not importable.is_importable("twice")
    monkeypatch.setitem(sys.modules, "twice", load("twice", tmp_path / "seen" / "twice.py"))
    assert importable.is_importable("twice")


def test_a_submodule_made_by_its_parent(tmp_path, monkeypatch):
    (tmp_path / "parent.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "parent.made", types.ModuleType("parent.made"))
    assert importable.is_importable("parent.made")
    assert not importable.is_importable("parent.missing")


def test_packages_are_walked(tmp_path, monkeypatch):
    package = tmp_path / "outer_package" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "leaf.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("outer_package.inner.leaf")
    assert importable.is_importable("outer_package.inner.leaf")
    assert not importable.is_importable("outer_package.inner.other")


def test_packages_without_init_that_nobody_has_imported(tmp_path, monkeypatch):
    """A function of such a module came by value, and is asked for before the first import."""
    module = tmp_path / "bare_package" / "inner" / "deep" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "bare_package" not in sys.modules
    assert importable.is_importable("bare_package.inner.deep.module")
    assert not importable.is_importable("bare_package.inner.deep.other")
    assert not importable.is_importable("bare_package.inner.other.module")
    assert "bare_package" not in sys.modules


def test_what_is_new_is_announced_once(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(importable, "_announce", None)
    importable.set_announce_hook(lambda: told.append(1))
    for name in ("one_new", "two_new"):
        (tmp_path / f"{name}.py").write_text("class Thing: pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("one_new", "one_new", "two_new", "json", "never_heard_of"):
        importable.by_others(types.SimpleNamespace(__module__=name))
    assert len(told) == 2


def test_a_worker_knows_where_others_import_from(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("class Thing: pass")
    importable.share_path(list(sys.path))
    monkeypatch.syspath_prepend(str(tmp_path))
    thing = importlib.import_module("only_here").Thing
    assert not importable.by_others(thing)
    assert importable.by_others(np.ndarray)
    assert importable.by_others(np.linalg.norm)
    assert importable.by_others(importable.by_others)
    importable.share_path(list(sys.path))
    assert importable.by_others(thing)
