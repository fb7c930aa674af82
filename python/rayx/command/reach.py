"""How other nodes reach the one that `rayx start` starts: its address, its key, and its cluster.

    standing = reach.of(options, "192.0.2.7", 6379, head=None)
    standing.key_file                      # "/home/me/.rayx/cluster.key"

A node that only programs of its machine can reach needs no key. One that others can reach has one,
unless it was said twice that it shall have none.
"""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace
from pathlib import Path

from rayx import errors
from rayx.command.key import key_path
from rayx.launch.processes import Standing
from rayx.records import cluster_key, host_port, session_records
from rayx.records.host_port import HostPort
from rayx.text.value_text import shown

# What is the head's to say.
_OF_HEADS = ("redis_port", "num_redis_shards", "complete")
# What only a node that joins can do: leave, and the cluster goes on.
_OF_MEMBERS = ("grace", "lifetime")


def refuse_contradictions(options: Namespace) -> None:
    """ValueError for options that do not go together, whatever their values are."""
    if options.redis_address is None and not options.head:
        raise ValueError(
            "say --head, to begin a session or a cluster on this machine, or "
            "--redis-address=HOST:PORT, to join the cluster whose head is there"
        )
    if options.redis_address is not None:
        if options.head:
            raise ValueError(
                "--head and --redis-address contradict each other: a session begins here, or the "
                "one that is there is joined"
            )
        for name in _OF_HEADS:
            if getattr(options, name) not in (None, False):
                option = "--" + name.replace("_", "-")
                raise ValueError(
                    f"{option} is the head's to say, and was said when that was started; leave it "
                    "out with --redis-address"
                )
    else:
        for name in _OF_MEMBERS:
            if getattr(options, name) is not None:
                raise ValueError(
                    f"--{name} is of a node that joins a cluster: it is drained before it leaves. "
                    "The head is not, since the cluster ends with it"
                )
    if options.insecure and options.key_file is not None:
        raise ValueError(
            "--insecure and --key-file contradict each other: the nodes of a cluster have a key, "
            "or none"
        )
    if options.insecure_network and not options.insecure:
        raise ValueError("--insecure-network means nothing without --insecure")


def head_to_join(redis_address: str) -> tuple[HostPort, str]:
    """The head, by its address, and this machine's address on the way to it.

    ValueError if it is no "HOST:PORT". StartError if there is no way to it.
    """
    parsed = host_port.parse(redis_address)
    if parsed is None:
        raise ValueError(
            f"--redis-address={shown(redis_address)} is no address of a cluster: give what `rayx "
            "start --head` has printed, such as 192.0.2.7:6379, with IPv6 addresses in brackets as "
            "in [2001:db8::7]:6379"
        )
    try:
        addresses = host_port.addresses_of(parsed.host)
    except OSError as error:
        raise errors.StartError(
            f"--redis-address={redis_address}: the name {parsed.host!r} is not known here: {error}"
        ) from None
    for address in addresses:
        try:
            return HostPort(address, parsed.port), host_port.own_address_towards(address)
        except OSError as error:
            why = error
    raise errors.StartError(
        f"--redis-address={redis_address}: there is no way from this machine to {addresses[-1]}: "
        f"{why}"
    )


def of(options: Namespace, address: str, port: int, head: HostPort | None) -> Standing:
    """What the daemons are told. A key is made, or checked; and told, if it was made.

    `address`: of this machine, checked. `head`: None if this node is to be it.
    """
    if head is not None:
        _refuse_what_cannot_be_joined(head, address)
    if options.insecure:
        _check_insecure(options, [address] if head is None else [address, head.host])
        return Standing(
            address,
            port,
            insecure=True,
            head="" if head is None else str(head),
            complete=options.complete,
        )
    if head is not None:
        return Standing(address, port, _copied_key(options.key_file, head), head=str(head))
    if options.key_file is None and host_port.is_loopback(address):
        return Standing(address, port, complete=options.complete)
    path = key_path(options.key_file)
    if cluster_key.make(path):
        print(f"A key was made: {path}")
    return Standing(address, port, str(path), complete=options.complete)


def warn_if_insecure(standing: Standing) -> None:
    """Says on stderr what --insecure means."""
    if standing.insecure:
        print(
            "rayx start: WARNING: --insecure: nodes ask each other for no key, and nothing "
            f"between them is encrypted. Whoever can reach {standing.address} can read and change "
            f"what the cluster works on, and run code as {user()}.",
            file=sys.stderr,
            flush=True,
        )


def user() -> str:
    """The name of this user, for people."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # one without a name
        return f"user {os.geteuid()}"


def _refuse_what_cannot_be_joined(head: HostPort, address: str) -> None:
    if host_port.is_loopback(address) and not host_port.is_loopback(head.host):
        raise ValueError(
            f"--node-ip-address={address} cannot be reached by the cluster's other machines; give "
            "the address of this machine in their network, or leave it out"
        )
    there = session_records.find(str(head))
    if there is None or there.address != str(head) or not there.supervisor.is_alive():
        return
    if not there.takes_nodes:
        raise errors.StartError(
            f"the session at {head} serves programs of this machine alone, which join it by "
            f'rayx.init(redis_address="{head}"). One that takes further nodes is started with '
            "--node-ip-address=ADDRESS, or, for nodes of this machine alone, with --key-file=PATH"
        )


def _check_insecure(options: Namespace, addresses: list[str]) -> None:
    for address in addresses:
        if not host_port.is_loopback(address) and not options.insecure_network:
            raise ValueError(
                f"--insecure is refused for {address}, which other machines can reach: whoever "
                "does could run code as you. Leave it out, and the nodes know each other by a key; "
                "or say --insecure-network as well, if all who can reach it may do that"
            )


def _copied_key(given: str | None, head: HostPort) -> str:
    path = key_path(given)
    if not os.path.lexists(path):
        raise errors.StartError(
            f"there is no key at {path}, by which the cluster at {head} would know this machine. "
            f"Copy it from there:\n{indented(copying(path, head.host, Path('.rayx/cluster.key')))}"
            "\n`rayx key path` prints there where it is, if it is elsewhere; `rayx key show` "
            "prints the key itself. --key-file names another file here."
        )
    cluster_key.read(path)
    return str(path)


def copying(path: Path, host: str, source: Path) -> list[str]:
    """The lines that bring a key from that host to a path of the machine where they are typed."""
    place = f"[{host}]" if ":" in host else host
    shown_path = path
    if path == cluster_key.default_path():
        shown_path = Path("~/.rayx/cluster.key")
    return [
        f"mkdir -p -m 700 {shown_path.parent}",
        f"scp -p {user()}@{place}:{source} {shown_path}",
    ]


def indented(lines: list[str]) -> str:
    """For people to paste."""
    return "\n".join(f"    {line}" for line in lines)
