"""The file that names the machines of a run: one a line, as ssh takes them.

    # those with four disks
    192.0.2.8
    me@192.0.2.9 slots=16

`slots` is what mpirun calls the CPUs of a machine that are to be used.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from rayx.records import host_port


class Machine(NamedTuple):
    """One of them."""

    #: What is given to ssh: a host, or "user@host".
    destination: str
    #: The CPUs that are to be used; None: all that it has.
    cpus: int | None = None

    @property
    def host(self) -> str:
        """Its name or address."""
        return self.destination.rpartition("@")[2]


def read(path: Path) -> list[Machine]:
    """Those that the file names. ValueError, with the line, for what is not understood."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--hosts={path} cannot be read: {error}") from None
    machines: list[Machine] = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        machine = _machine(f"{path}, line {number}", words)
        if machine.destination in (one.destination for one in machines):
            raise ValueError(f"{path}, line {number}: {machine.destination} is named before")
        machines.append(machine)
    if not machines:
        raise ValueError(f"--hosts={path} names no machine: it has one a line, as ssh takes them")
    return machines


def _machine(where: str, words: list[str]) -> Machine:
    destination, *rest = words
    if destination.startswith("-"):  # an option to ssh
        raise ValueError(f"{where}: {destination!r} is no host")
    cpus = None
    for word in rest:
        name, _, value = word.partition("=")
        if name != "slots" or not value.isdecimal() or value == "0":
            raise ValueError(
                f"{where}: {word!r} is not understood. A line is a host as ssh takes it, and "
                "slots=N behind it if only N of its CPUs are to be used"
            )
        cpus = int(value)
    return Machine(destination, cpus)


def is_here(machine: Machine, own_addresses: Collection[str]) -> bool:
    """Whether it is this machine, by what its name means here."""
    if machine.host == socket.gethostname():
        return True
    try:
        found = host_port.addresses_of(machine.host)
    except OSError:  # a name that only ssh's configuration knows
        return False
    return any(address in own_addresses for address in found)
