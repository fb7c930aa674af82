"""`rayx run`: a program, and nodes for it, which end with it.

rayx run -- python x.py                     on this machine
rayx run --nodes 4 -- python x.py           so many nodes on it
rayx run --hosts FILE -- python x.py        this machine, and those that the file names, by ssh
srun rayx run -- python x.py                one node for each task of the job's step

The program runs once, at the head, and joins by `rayx.init()`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rayx import errors
from rayx.command import node_options
from rayx.launch import machine
from rayx.launch.init_options import InitOptions
from rayx.records import cluster_key, host_port
from rayx.records.host_port import LOOPBACK, HostPort
from rayx.runs import host_file, member, other_machines, program
from rayx.runs.host_file import Machine
from rayx.runs.other_machines import OtherMachines
from rayx.runs.own_node import OwnNode
from rayx.runs.ranks import Rank
from rayx.runs.rendezvous import Meeting, Rendezvous
from rayx.standing import members
from rayx.text.quantities import whole
from rayx.text.spans import milliseconds_of

_NODES_MAX = 1024
_RETRY_SECONDS = 0.2


def run(options: Namespace) -> int:
    """The program's exit code, or 1 if there is no cluster for it. Others than the first of the
    tasks that `srun` has started have 0 if all went well."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        return _run(options)
    finally:
        if signal.getsignal(signal.SIGTERM) is _end:  # else all is about to end
            signal.signal(signal.SIGTERM, before)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """By SIGTERM, while nodes start. A second one does not disturb the end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _run(options: Namespace) -> int:
    if options.program[:1] == ["--"]:  # which argparse leaves there, in some versions
        del options.program[0]
    rank = Rank.of(os.environ) if options.hosts is None else None
    _refuse_contradictions(options, rank)
    deadline = time.monotonic() + milliseconds_of("--wait", options.wait) / 1000
    if options.member is not None:
        return _serve_as_member(options, deadline)
    if rank is not None and rank.tasks > 1:
        return _run_rank(options, rank, deadline)
    if options.hosts is not None:
        return _run_on_hosts(options, host_file.read(Path(options.hosts)), deadline)
    return _run_here(options, _count(options.nodes), deadline)


def _refuse_contradictions(options: Namespace, rank: Rank | None) -> None:
    if options.hosts is not None and options.nodes is not None:
        raise ValueError(
            "--hosts and --nodes contradict each other: the file says which machines there are, "
            "and each has one node"
        )
    if options.nodes is not None and rank is not None and rank.tasks > 1:
        raise ValueError(
            f"--nodes has no meaning under srun, which has started {rank.tasks} tasks: each has "
            "a node. Say `srun --ntasks=N`"
        )
    if options.member is not None:
        return
    if options.working_dir is not None and not os.path.isdir(options.working_dir):
        raise ValueError(f"--working-dir={options.working_dir} is not a directory")
    if not options.program:
        raise ValueError("say which program is to be run: rayx run -- python x.py")


# ---- on this machine -----------------------------------------------------------------------------


def _run_here(options: Namespace, count: int, deadline: float) -> int:
    checked = _checked(options, options.node_ip_address or LOOPBACK)
    if count > 1:
        checked = _shared(options, checked, count)
    key = secrets.token_bytes(cluster_key.BYTES)
    with contextlib.ExitStack() as nodes:
        head = _started(nodes, checked, key, port=_port(options))
        for _ in range(count - 1):
            _started(nodes, checked, key, head.address)
        _wait_for_all(head, count, deadline)
        return _run_program(options, head)


def _shared(options: Namespace, checked: InitOptions, count: int) -> InitOptions:
    """What each of so many nodes has of this machine, unless it was said."""
    if options.num_cpus is None:
        cpus = max(1, machine.cpu_count() // count)
        checked = checked._replace(num_cpus=float(cpus))
        if options.num_workers is None:
            checked = checked._replace(num_workers=cpus)
    if options.object_store_memory is None:
        checked = checked._replace(object_store_bytes=checked.object_store_bytes // count)
    return checked


# ---- on other machines, by ssh -------------------------------------------------------------------


def _run_on_hosts(options: Namespace, machines: list[Machine], deadline: float) -> int:
    here = machine.addresses()
    own = [one for one in machines if host_file.is_here(one, here)]
    others = [one for one in machines if one not in own]
    address = options.node_ip_address or _address_for(others)
    checked = _with_cpus(options, _checked(options, address), own[0].cpus if own else None)
    key = secrets.token_bytes(cluster_key.BYTES)
    with contextlib.ExitStack() as nodes:
        head = _started(nodes, checked, key, port=_port(options))
        command = _MemberCommand(options, head.address)
        with OtherMachines(others, command.line) as started:
            started.wait_until_ready(key, deadline)
            _wait_for_all(head, 1 + len(others), deadline)
            try:
                return _run_program(options, head)
            finally:
                head.stop()  # by which the others end, too


def _address_for(others: list[Machine]) -> str:
    """This machine's, on the way to the first of the others whose name means something here."""
    for one in others:
        with contextlib.suppress(OSError):
            return host_port.own_address_towards(host_port.addresses_of(one.host)[0])
    return LOOPBACK if not others else _outer_address()


class _MemberCommand:
    """What is run on another machine."""

    # What is said of nodes holds for each of them.
    _PASSED = ("num_cpus", "num_gpus", "num_workers", "object_store_memory", "resources", "wait")

    def __init__(self, options: Namespace, head: str) -> None:
        self._options = options
        self._head = head

    def line(self, one: Machine) -> str:
        """For a shell there."""
        words = [self._options.python or sys.executable, "-m", "rayx", "run"]
        words.append(f"--member={self._head}")
        for name in self._PASSED:
            value = getattr(self._options, name)
            if name == "num_cpus" and value is None:
                value = one.cpus
            if value is not None:
                words.append(f"--{name.replace('_', '-')}={value}")
        return other_machines.shell_line(words)


def _serve_as_member(options: Namespace, deadline: float) -> int:
    """The other end of OtherMachines. Its standard input has the key, and ends with the run."""
    head = _parsed_head(options.member)
    ready = select.select([0], [], [], max(0.0, deadline - time.monotonic()))[0]
    try:
        # Not through a buffer, which would hide the end from who waits for it.
        key = cluster_key.parse(os.read(0, 4096).decode("ascii")) if ready else None
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"standard input has no key of a cluster: {error}") from None
    if key is None:
        raise errors.StartError("standard input has told no key")
    address = host_port.own_address_towards(head.host)
    node = OwnNode.start(_checked(options, address), address, key, str(head))
    print(f"{other_machines.READY}{node.address}", flush=True)
    return member.serve(node, lifeline=0)


def _parsed_head(text: str) -> HostPort:
    head = host_port.parse(text)
    if head is None:
        raise ValueError(f"--member={text!r} is no HOST:PORT")
    return head


# ---- as one of several that a launcher has started -----------------------------------------------


def _run_rank(options: Namespace, rank: Rank, deadline: float) -> int:
    shared = options.rendezvous or os.environ.get("SLURM_SUBMIT_DIR") or os.getcwd()
    place = Rendezvous(Path(shared), rank.name)
    if rank.number > 0:
        return _join(options, rank, place, deadline)
    address = options.node_ip_address or _address_of(rank)
    checked = _with_cpus(options, _checked(options, address), rank.cpus)
    key = secrets.token_bytes(cluster_key.BYTES)
    with place, contextlib.ExitStack() as nodes:
        head = _started(nodes, checked, key, port=_port(options))
        place.tell(Meeting(head.address, key))
        _wait_for_all(head, rank.tasks, deadline)
        return _run_program(options, head)


def _join(options: Namespace, rank: Rank, place: Rendezvous, deadline: float) -> int:
    """As soon as the first one has told where it is."""
    why = f"the task with rank 0 has told nothing in {place.path}"
    while True:
        meeting = place.meeting()
        if meeting is not None:
            head = _parsed_head(meeting.address)
            try:
                address = host_port.own_address_towards(head.host)
                checked = _with_cpus(options, _checked(options, address), rank.cpus)
                node = OwnNode.start(checked, address, meeting.key, str(head))
                break
            except (OSError, errors.StartError) as error:  # maybe of a run that is over
                why = str(error)
        if time.monotonic() > deadline:
            raise errors.StartError(f"there is no cluster to join after {options.wait}: {why}")
        time.sleep(_RETRY_SECONDS)
    return member.serve(node, is_over=lambda: place.meeting() != meeting)


def _address_of(rank: Rank) -> str:
    with contextlib.suppress(OSError):
        own = host_port.own_address_towards(rank.beacon) if rank.beacon else LOOPBACK
        if not host_port.is_loopback(own):
            return own
    return _outer_address()


# ---- of all --------------------------------------------------------------------------------------


def _outer_address() -> str:
    """One of this machine that others may know; loopback if there is none."""
    found = [one for one in machine.addresses() if not host_port.is_loopback(one)]
    return next((one for one in found if ":" not in one), LOOPBACK)


def _checked(options: Namespace, address: str) -> InitOptions:
    return node_options.checked(options, address, "rayx run")


def _with_cpus(options: Namespace, checked: InitOptions, cpus: int | None) -> InitOptions:
    """As the launcher has it, unless it was said."""
    if cpus is None or options.num_cpus is not None:
        return checked
    workers = cpus if options.num_workers is None else checked.num_workers
    return checked._replace(num_cpus=float(cpus), num_workers=workers)


def _port(options: Namespace) -> int:
    return node_options.port(options)


def _count(given: str | None) -> int:
    return 1 if given is None else whole("--nodes", node_options.number(given), 1, _NODES_MAX)


def _started(
    nodes: contextlib.ExitStack, checked: InitOptions, key: bytes, head: str = "", port: int = 0
) -> OwnNode:
    """A node that ends with the stack."""
    node = OwnNode.start(checked, checked.node_ip_address, key, head, port)
    nodes.callback(node.stop)
    return node


def _run_program(options: Namespace, head: OwnNode) -> int:
    try:
        return program.run(options.program, head.address, options.working_dir)
    finally:
        # Batch systems say it more than once, and the end is not to be disturbed.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _wait_for_all(head: OwnNode, count: int, deadline: float) -> None:
    members.wait_for_count(head.record, count, deadline)
