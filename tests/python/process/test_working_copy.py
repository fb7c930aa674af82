import os
import pickle
import stat
import sys
import threading

import pytest

from rayx import session
from rayx.process import driver_config, session_place
from rayx.process.working_copy import WorkingCopy, unpack
from rayx.process.working_dir import pack


@pytest.fixture
def packed(tmp_path):
    root = tmp_path / "project"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "__init__.py").write_text("")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o750)
    return pack(root)


def test_files_come_out_as_they_were(packed, tmp_path):
    place = unpack(tmp_path / "dirs", packed.digest, packed.archive)
    assert sorted(os.listdir(place)) == ["lib", "run.sh"]
    assert stat.S_IMODE((place / "run.sh").stat().st_mode) == 0o750
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    (place / "run.sh").unlink()
    assert unpack(tmp_path / "dirs", packed.digest, b"not looked at") == place


def test_of_many_that_unpack_one_is_the_first(packed, tmp_path):
    places = []
    threads = [
        threading.Thread(
            target=lambda: places.append(unpack(tmp_path / "dirs", packed.digest, packed.archive))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(places)) == 1 and len(places) == 8
    assert os.listdir(tmp_path / "dirs") == [packed.digest]


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """A worker of the node n, which may go where it likes."""
    monkeypatch.setattr(session_place, "_directory", str(tmp_path / "session"))
    (tmp_path / "session").mkdir()
    client = type("Client", (), {"node_id": b"n"})()
    monkeypatch.setattr(session, "current", lambda: type("Session", (), {"client": client})())
    monkeypatch.setattr(driver_config, "_moved", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(driver_config.importable, "share_path", lambda path: None)
    before = os.getcwd()
    yield
    os.chdir(before)


def test_where_the_driver_is_the_directory_is_itself(packed, worker):
    pickle.loads(pickle.dumps(WorkingCopy(packed, b"n")))()
    assert os.getcwd() == packed.path == sys.path[0]


def test_elsewhere_it_is_a_copy_and_paths_lead_there(packed, worker, tmp_path):
    sys.path[:] = ["/other", packed.path + "/lib", packed.path, packed.path + "-more"]
    WorkingCopy(packed, b"other")()
    copy = str(tmp_path / "session" / "working-dirs" / packed.digest)
    assert os.getcwd() == copy
    assert sys.path == [copy, "/other", copy + "/lib", packed.path + "-more"]
    # What the driver tells later is about its own directory.
    driver_config.follow([packed.path + "/lib", "/new"], None)
    assert sys.path[:2] == [copy + "/lib", "/new"]
