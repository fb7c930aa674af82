import os
import pickle
import sys

import pytest

from rayx.process import driver_config
from rayx.values import importable


@pytest.fixture(autouse=True)
def unchanged(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    here, limit = os.getcwd(), sys.getrecursionlimit()
    yield
    os.chdir(here)
    sys.setrecursionlimit(limit)
    importable.share_path(None)


def config(path, cwd, seed=None):
    fields = {"path": path, "cwd": cwd, "object_id_seed": seed, "hints": True, "logging": None}
    return pickle.dumps(fields | {"argv": sys.argv, "recursion_limit": 1000})


def test_what_is_captured_changes_nothing_here():
    sys.path[:] = driver_config.search_path()
    before = list(sys.path)
    driver_config.apply(driver_config.capture(None))
    assert sys.path == before


def test_the_empty_entry_is_the_directory_it_means(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sys.path[:] = ["", "below", "/absolute"]
    assert driver_config.search_path() == [f"{tmp_path}/", f"{tmp_path}/below", "/absolute"]


@pytest.mark.parametrize("entry", [None, b"/tmp", 3])
def test_entries_that_imports_pass_over_are_left_out(entry):
    expected = driver_config.search_path()
    sys.path.insert(0, entry)
    assert driver_config.search_path() == expected


def test_entries_of_ours_stay_behind_the_driver_s():
    sys.path[:] = ["/ours", "/both"]
    driver_config.apply(config(["/driver", "/both"], ""))
    assert sys.path == ["/driver", "/both", "/ours"]


def test_the_directory_is_entered(tmp_path):
    driver_config.apply(config(sys.path, str(tmp_path)))
    assert os.getcwd() == str(tmp_path)


def test_a_directory_that_is_gone_is_told(tmp_path, capsys):
    driver_config.apply(config(sys.path, str(tmp_path / "gone")))
    assert "cannot be entered" in capsys.readouterr().err


def test_a_deleted_directory_of_ours(tmp_path, monkeypatch):
    (tmp_path / "deleted").mkdir()
    monkeypatch.chdir(tmp_path / "deleted")
    (tmp_path / "deleted").rmdir()
    sys.path[:] = ["", "/absolute"]
    assert driver_config.search_path() == ["/absolute"]
    driver_config.apply(driver_config.capture(None))


@pytest.mark.parametrize("seed", [None, 0, 7])
def test_the_seed_of_the_driver_s_ids(seed):
    assert driver_config.apply(driver_config.capture(seed)) == seed


def test_workers_give_no_hints_if_the_driver_wants_none(monkeypatch):
    monkeypatch.setattr(driver_config.os, "environ", {})
    driver_config.apply(driver_config.capture(None))
    assert driver_config.os.environ == {}
    driver_config.apply(driver_config.capture(None, gives_hints=False))
    assert driver_config.os.environ == {"RAYX_HINTS": "0"}


def test_the_arguments_of_the_driver():
    sys.argv[:] = ["program.py", "--depth", "3", object()]
    captured = driver_config.capture(None)
    sys.argv[:] = ["worker/template.py", "--fd", "3"]
    driver_config.apply(captured)
    assert sys.argv == ["program.py", "--depth", "3"]


def test_the_recursion_limit_of_the_driver_unless_ours_is_higher():
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(usual + 500)
    captured = driver_config.capture(None)
    for ours, expected in ((usual, usual + 500), (usual + 900, usual + 900)):
        sys.setrecursionlimit(ours)
        driver_config.apply(captured)
        assert sys.getrecursionlimit() == expected


def test_news_are_what_has_changed(tmp_path):
    news = driver_config.DriverNews(driver_config.capture(None))
    assert news.take() is None
    sys.path.append(str(tmp_path))
    told = news.take()
    assert news.take() is None
    sys.path.remove(str(tmp_path))
    pickle.loads(told)()
    assert str(tmp_path) in sys.path


def test_news_have_an_end(monkeypatch):
    monkeypatch.setattr(driver_config, "_NEWS_MAX", 2)
    news = driver_config.DriverNews(driver_config.capture(None))
    taken = []
    for number in range(4):
        sys.path.append(f"/new/{number}")
        taken.append(news.take() is not None)
    assert taken == [True, True, False, False]
