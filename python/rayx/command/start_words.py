"""What `rayx start` prints: how machines and programs join what it has started.

print(start_words.told(record))
"""

from __future__ import annotations

from pathlib import Path

from rayx.command import reach
from rayx.launch import machine
from rayx.records import cluster_key, host_port
from rayx.records.session_records import SessionRecord


def told(record: SessionRecord, is_chosen: bool = False) -> str:
    """`is_chosen`: the address of a node that has joined was not said, but found out."""
    if record.head:
        return _of_member(record, is_chosen)
    if not record.takes_nodes:
        return _of_session(record)
    return _of_cluster(record)


def _of_session(record: SessionRecord) -> str:
    others = [
        one
        for one in machine.addresses()
        if not host_port.is_loopback(one) and not one.startswith("fe80:")
    ]
    has = f", such as {others[0]}" if others else ""
    return f"""The session serves. It is known by a port of the loopback interface:
redis_address="{record.address}"

{_programs(record)}

Other machines cannot reach it. One that they can join is started with --node-ip-address=ADDRESS,
an address of this machine in their network{has}.
`rayx status` shows it, `rayx stop` ends it."""


def _of_cluster(record: SessionRecord) -> str:
    parsed = host_port.parse(record.address)
    assert parsed is not None
    if host_port.is_loopback(parsed.host):
        where, lines = "Other nodes on this machine join it by", []
    else:
        where, lines = "Another machine joins it by these lines, typed there", _copying(record)
    lines = [*lines, _command(record)]
    key = "It asks for no key (--insecure)." if record.insecure else f"Its key is {record.key_file}"
    return f"""The cluster serves, with this machine as its head:
redis_address="{record.address}"

{where}:

{reach.indented(lines)}

{_programs(record)}

Tasks run where there is room; actors on the node that their program has joined.
{key}
`rayx status` shows the cluster, `rayx stop` ends it."""


def _of_member(record: SessionRecord, is_chosen: bool) -> str:
    chosen = ""
    if is_chosen:
        chosen = (
            "\nThat is the address by which it reaches the head; --node-ip-address names another."
        )
    return f"""This machine has joined the cluster at {record.head}, as the node {record.address}:
redis_address="{record.head}"{chosen}

{_programs(record)}

Tasks run where there is room; actors on the node that their program has joined.
`rayx status` shows the cluster, `rayx stop` ends this node."""


def _programs(record: SessionRecord) -> str:
    where = "on these machines" if record.takes_nodes else "on this machine"
    return f"""Programs of this user {where} join it by

    rayx.init(redis_address="{record.cluster}")"""


def _copying(record: SessionRecord) -> list[str]:
    parsed = host_port.parse(record.address)
    if not record.key_file or parsed is None:
        return []
    path = Path(record.key_file)
    return reach.copying(path, parsed.host, path)


def _command(record: SessionRecord) -> str:
    command = f"rayx start --redis-address={record.address}"
    if record.insecure:
        is_local = host_port.is_loopback(record.address)
        return f"{command} --insecure" + ("" if is_local else " --insecure-network")
    if Path(record.key_file) != cluster_key.default_path():
        command += f" --key-file={record.key_file}"
    return command
