"""`rayx start`: a session that belongs to no program.

What its options mean is checked by what checks the arguments of `rayx.init`.

>>> said_as_options("num_cpus must be a number: rayx.init")
'--num-cpus must be a number: rayx start'
"""

from __future__ import annotations

import json
import re
import signal
import sys
from argparse import Namespace
from typing import Any, NoReturn

from rayx import errors
from rayx.command import standing
from rayx.command.key import key_path
from rayx.launch.init_options import LOOPBACK, PORT_MAX, InitOptions
from rayx.records import cluster_key
from rayx.records.session_records import SessionRecord
from rayx.text.quantities import whole
from rayx.text.value_text import shown

# Those that mean the same to `rayx.init`, where they are written with underscores.
_NUMBERS = ("num_redis_shards", "num_cpus", "num_gpus", "num_workers", "object_store_memory")
_PORTS = ("port", "redis_port", "object_manager_port")


def run(options: Namespace) -> int:
    """Starts it, and prints how to join it."""
    if options.redis_address is not None:
        if options.head:
            raise ValueError(
                "--head and --redis-address contradict each other: a session begins here, or one "
                "that is there is joined"
            )
        raise errors.NotYetError(
            "--redis-address needs several machines, which this version cannot use yet. Programs "
            f'of its machine join that session by rayx.init(redis_address="'
            f'{options.redis_address}"), without `rayx start`.'
        )
    if not options.head:
        raise ValueError("say --head, to begin a session on this machine")
    checked = _checked(options)
    if checked.node_ip_address != LOOPBACK:
        raise errors.NotYetError(
            f"--node-ip-address={options.node_ip_address} is an address that others can reach, and "
            "this version has no encrypted connections between machines yet. Leave it out: the "
            f"session is then at {LOOPBACK}, for programs of this machine."
        )
    port = _port(options)
    key_file = _key_file(options)
    try:
        record = standing.start(checked, checked.node_ip_address, port, key_file)
    except errors.StartError as error:
        _say(error)
    _tell(record)
    return _wait(record) if options.block else 0


def said_as_options(text: str) -> str:
    """A message about arguments of `rayx.init`, about what was typed here."""
    names = "|".join([*_NUMBERS, "node_ip_address"])
    text = re.sub(rf"\b({names})\b", lambda found: "--" + found[0].replace("_", "-"), text)
    text = re.sub(r"^resources\b|\bresources(?=\[)", "--resources", text)
    return text.replace("rayx.init", "rayx start")


def _checked(options: Namespace) -> InitOptions:
    given: dict[str, Any] = {name: _number(getattr(options, name)) for name in _NUMBERS}
    given["resources"] = _resources(options.resources)
    given["node_ip_address"] = options.node_ip_address
    try:
        return InitOptions.checked(**given)
    except (TypeError, ValueError) as error:
        _say(error)


def _say(error: Exception) -> NoReturn:
    raise type(error)(said_as_options(str(error))) from None


def _number(text: str | None) -> int | float | str | None:
    """As Python reads it; what is no number is left to who says so."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _resources(text: str | None) -> object:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(
            f"--resources must be JSON such as '{{\"disk\": 2}}', not {shown(text)}"
        ) from None


def _port(options: Namespace) -> int:
    given = {
        "--" + name.replace("_", "-"): getattr(options, name)
        for name in _PORTS
        if getattr(options, name) is not None
    }
    ports = {name: whole(name, _number(text), 0, PORT_MAX) for name, text in given.items()}
    if len(set(ports.values())) > 1:
        told = " and ".join(f"{name}={port}" for name, port in ports.items())
        raise ValueError(f"{told} contradict each other: all are names of the session's one port")
    return next(iter(ports.values()), 0)


def _key_file(options: Namespace) -> str:
    """The key is made, or checked, before anything is started. Empty if there is to be none."""
    if options.key_file is None:
        return ""
    path = key_path(options.key_file)
    if cluster_key.make(path):
        print(f"A key was made: {path}")
    return str(path)


def _tell(record: SessionRecord) -> None:
    key = (
        f"\nIts key is {record.key_file}. Nothing is protected by it yet."
        if record.key_file
        else ""
    )
    print(
        f"""The session serves. It is known by a port of the loopback interface:
redis_address="{record.address}"

Programs of this user on this machine join it by

    rayx.init(redis_address="{record.address}")

Other machines cannot join it yet: this version has no connections between machines.{key}
`rayx status` shows it, `rayx stop` ends it.""",
        flush=True,
    )


def _wait(record: SessionRecord) -> int:
    """Until the session ends, or this program is told to."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        while not record.supervisor.wait(3600):
            continue
    except KeyboardInterrupt:
        standing.stop(record)
        print(f"Stopped the session at {record.address}.", flush=True)
        return 0
    if not record.path.exists():  # somebody has stopped it
        print(f"The session at {record.address} was stopped.", flush=True)
        return 0
    print(f"rayx start: the session has ended: {record.why_it_ended()}", file=sys.stderr)
    return 1
