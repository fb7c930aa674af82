"""`rayx status`: the sessions of this user on this machine, on one screen or as JSON."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from typing import Any

from rayx.command import chosen
from rayx.records.host_port import HostPort
from rayx.standing import session_look

#: Exit codes: all sessions serve; there is none; one of them does not serve now.
ALL_SERVE, NONE, SOME_DO_NOT = 0, 1, 3


def run(options: Namespace) -> int:
    """Prints what there is."""
    records = chosen.records(options.address)
    sessions = [session_look.look(record) for record in records]
    if options.json:
        print(json.dumps({"sessions": sessions}, indent=2))
    elif sessions:
        print("\n\n".join(screen(one) for one in sessions))
    else:
        where = "" if options.address is None else f" at {options.address}"
        print(
            f"There is no session of yours{where} on this machine. `rayx start --head` starts one."
        )
    if not sessions:
        return NONE
    return (
        ALL_SERVE if all(one["state"] == session_look.SERVING for one in sessions) else SOME_DO_NOT
    )


def screen(session: dict[str, Any]) -> str:
    """One session, in lines for people."""
    state = {
        session_look.SERVING: "serving",
        session_look.RESTARTING: "its node is being started again",
        session_look.UNKNOWN: "its node does not answer",
        session_look.ENDED: "ended",
    }[session["state"]]
    is_member = session["cluster"] != session["address"]
    lines = [
        f"Node {session['address']} of the cluster {session['cluster']}: {state}"
        if is_member
        else f"Session {session['address']}: {state}",
        f"  started    {_ago(session['started_at'])} by rayx {session['rayx_version']}, Python "
        f"{session['python_version']} (supervisor pid {session['supervisor_pid']})",
    ]
    if session["why"]:
        first, *more = session["why"].splitlines()
        lines += [f"  why        {first}", *(f"             {line}" for line in more)]
    if session["state"] == session_look.ENDED:
        lines.append("  `rayx stop` removes its record")
    if session["key_file"]:
        lines.append(f"  key        {session['key_file']}")
    if session["insecure"]:
        lines.append("  key        none (--insecure): whoever reaches the node may run code")
    own, *others = session.get("nodes") or [None]
    if own is not None:
        lines += _node_lines(own)
    living = [node for node in others if node["alive"]]
    for node in living:
        lines += _other_lines(node)
    if len(living) < len(others):
        lines.append(f"  ended      {len(others) - len(living)} nodes, which rayx.nodes() tells of")
    return "\n".join(lines)


def _other_lines(node: dict[str, Any]) -> list[str]:
    place = HostPort(node["host"], node["port"])
    first = (
        f"  and        {node['node_id'][:8]} at {place} (pid {node['pid']}), up "
        f"{span(time.time() - node['started_at'])}"
    )
    if node.get("is_draining"):
        first += ", is drained and will leave"
    if "workers_busy" not in node:  # it has not answered
        has = [f"{amounts['total']:g} {name}" for name, amounts in node["resources"].items()]
        return [
            f"{first}: {', '.join(has) or 'no resources'}, store {_bytes(node['pool_bytes'])}",
            f"             {node.get('why', 'it does not answer')}",
        ]
    free = [
        f"{name} {amounts['available']:g} of {amounts['total']:g} free"
        for name, amounts in node["resources"].items()
    ]
    return [
        first,
        f"             {', '.join(free) or 'no resources'}; store "
        f"{_bytes(node['pool_used_bytes'])} of {_bytes(node['pool_bytes'])} used",
        "             workers: {workers_busy} busy, {workers_blocked} waiting in get, "
        "{workers_idle} idle; queue: {tasks_ready} ready, {tasks_waiting} waiting for "
        "objects".format(**node),
    ]


def _node_lines(node: dict[str, Any]) -> list[str]:
    lines = [
        f"  node       {node['node_id'][:8]} at {node['host']} (pid {node['pid']}), up "
        f"{span(time.time() - node['started_at'])}"
        + (", is drained and will leave" if node.get("is_draining") else "")
    ]
    for name, amounts in node["resources"].items():
        lines.append(f"  {name:<10} {amounts['available']:g} of {amounts['total']:g} free")
    lines += [
        "  workers    {workers_busy} busy, {workers_blocked} waiting in get, {workers_idle} idle, "
        "{workers_starting} starting".format(**node),
        "  queue      {tasks_assigned} tasks and actors with workers, {tasks_ready} ready, "
        "{tasks_waiting} waiting for objects; {tasks_finished} done".format(**node),
        "  actors     {actors}".format(**node),
        "  drivers    {drivers}".format(**node),
        f"  store      {_bytes(node['pool_used_bytes'])} of {_bytes(node['pool_bytes'])} used, "
        f"{node['objects']} objects",
    ]
    if not node["has_tables"]:
        lines.append("  control    the control server cannot be reached; tasks go on without it")
    return lines


def _ago(then: float) -> str:
    return f"{span(time.time() - then)} ago"


def span(seconds: float) -> str:
    """A time that has passed, as people say it.

    >>> span(7.9), span(3 * 3600 + 120), span(3 * 86400)
    ('7 s', '3 h 2 min', '3 d 0 h')
    """
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _bytes(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"
