"""The program `rayx`: one command a word.

    rayx start --head        starts a session that belongs to no program, or a cluster
    rayx start --redis-address=HOST:PORT    adds this machine to a cluster
    rayx status              shows it
    rayx stop                ends it
    rayx run -- python x.py  runs a program, with nodes that end with it
    rayx drain NODE          a machine gives its work to others, and leaves its cluster
    rayx key show            the key by which machines of a cluster know each other

>>> main(["--version"])
Traceback (most recent call last):
SystemExit: 0
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from rayx import errors

_DOCS = "See docs/standing.md for how to work with sessions."


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code: 0, 1 if it failed, 2 if it was not understood.

    `rayx status` has a further one.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    command = importlib.import_module(f"rayx.command.{options.command}")
    try:
        code: int = command.run(options)
    except errors.RayxError as error:
        return _fail(options.command, error, 1)
    except (TypeError, ValueError) as error:  # of an argument
        return _fail(options.command, error, 2)
    except KeyboardInterrupt:
        return _fail(options.command, "interrupted", 130)
    return code


def _fail(command: str, why: object, code: int) -> int:
    print(f"rayx {command}: {why}", file=sys.stderr)
    return code


class _Version(argparse.Action):
    """Looks for the version only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        import rayx

        print(f"rayx {rayx.__version__}")
        parser.exit()


class _Help(argparse.HelpFormatter):
    """As wide as the screen, which argparse would ask of a module that compresses files, too."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):  # closed, or no screen
        return 80


class _Parser(argparse.ArgumentParser):
    """Shows its help so, and makes others of its kind for the commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, **options)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rayx",
        description="Starts, shows and ends sessions of rayx.",
        epilog=_DOCS,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_start(
        commands.add_parser(
            "start",
            help="start a session that belongs to no program, or a node of a cluster",
            description="Starts a session that programs join and leave, or adds this machine to a "
            "cluster, and returns when it serves. It goes on until `rayx stop`.",
        )
    )
    _add_stop(
        commands.add_parser(
            "stop",
            help="end the sessions that this user has started here",
            description="Ends the sessions that this user has started on this machine by `rayx "
            "start`, with all that runs in them, and waits for their end.",
        )
    )
    _add_status(
        commands.add_parser(
            "status",
            help="show the sessions that this user has started here",
            description="Shows the sessions of this user on this machine.",
            epilog="Exit code: 0 if all sessions serve, 1 if there is none, 3 if one does not "
            "serve now.",
        )
    )
    _add_run(
        commands.add_parser(
            "run",
            help="run a program, with nodes on this machine and others, which end with it",
            description="Starts a node here, and on other machines those of a cluster with it, "
            "runs the program, which joins them by rayx.init(), and ends all with it. Started by "
            "`srun`, each task of the step has a node, and the first of them the program.",
            epilog="Exit code: that of the program; 128 and the number of the signal that ended "
            "it; 1 if there is no cluster for it.",
        )
    )
    _add_drain(
        commands.add_parser(
            "drain",
            help="have a node of a cluster give its work to others, and leave",
            description="Nothing new begins at the node, what runs there ends, what it has for "
            "others goes to others, and it leaves; at the latest when its time is up.",
            epilog="Exit code: 0 if nothing of others was left, 1 if something was.",
        )
    )
    _add_key(
        commands.add_parser(
            "key",
            help="show or change the key of a cluster",
            description="The key by which the machines of a cluster know each other. `rayx start "
            "--head --key-file=PATH` makes it.",
        )
    )
    return parser


def _add_start(start: argparse.ArgumentParser) -> None:
    start.add_argument(
        "--head", action="store_true", help="begin a session here, which others may join"
    )
    start.add_argument(
        "--redis-address", metavar="HOST:PORT", help="join the cluster whose head is there"
    )
    start.add_argument(
        "--node-ip-address",
        metavar="ADDRESS",
        help="the address of this machine by which others reach its node (127.0.0.1: none do; of "
        "one that joins, that by which it reaches the head)",
    )
    for name in ("--port", "--redis-port", "--object-manager-port"):
        start.add_argument(
            name,
            metavar="PORT",
            help="the one port of the node (one that is free)"
            if name == "--port"
            else "another name of --port",
        )
    for name, text in {
        "--num-redis-shards": "control servers beside the primary one (1)",
        "--num-cpus": "CPUs that tasks may use at a time (those of this machine)",
        "--num-gpus": "GPUs that tasks may use at a time (0)",
        "--num-workers": "workers started at once (as many as CPUs)",
        "--object-store-memory": "bytes for shared objects (a third of the memory)",
    }.items():
        start.add_argument(name, metavar="N", help=text)
    start.add_argument(
        "--resources", metavar="JSON", help="other resources, such as '{\"disk\": 2}'"
    )
    start.add_argument(
        "--key-file",
        metavar="PATH",
        help="the key of the cluster; the head makes it if it is not there (~/.rayx/cluster.key, "
        "if others can reach the node)",
    )
    start.add_argument(
        "--insecure",
        action="store_true",
        help="no key and no encryption between nodes: who reaches one may run code as you",
    )
    start.add_argument(
        "--insecure-network",
        action="store_true",
        help="so also at an address that other machines can reach",
    )
    start.add_argument(
        "--complete",
        action="store_true",
        help="of a head: no more machines will join than join at once, so a task that none of them "
        "could run fails, and does not wait for one that can",
    )
    for name, text in {
        "--grace": "how long it is drained at most, by SIGTERM, `rayx drain` or --lifetime (30 s; "
        "or 10m, 4h)",
        "--lifetime": "it is drained in time to have left after so long (4h, 2d), as when its "
        "machine is lent for so long only",
    }.items():
        start.add_argument(name, metavar="TIME", help=f"of a node that joins: {text}")
    start.add_argument(
        "--block",
        action="store_true",
        help="wait for the end of the session; Ctrl-C ends it, and SIGTERM, before which a node "
        "that has joined is drained",
    )


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--hosts",
        metavar="FILE",
        help="machines that have a node, too, one a line as ssh takes them; rayx must be installed "
        "there, and ssh must ask for no password",
    )
    run.add_argument("--nodes", metavar="N", help="so many nodes on this machine (1)")
    for name, text in {
        "--num-cpus": "CPUs that tasks may use at a time, at each node (those of its machine)",
        "--num-gpus": "GPUs, at each node (0)",
        "--num-workers": "workers started at once, at each node (as many as CPUs)",
        "--object-store-memory": "bytes for shared objects, at each node (a third of the memory)",
    }.items():
        run.add_argument(name, metavar="N", help=text)
    run.add_argument(
        "--resources", metavar="JSON", help="other resources of each node, such as '{\"disk\": 2}'"
    )
    run.add_argument(
        "--node-ip-address",
        metavar="ADDRESS",
        help="of this machine, by which the others reach it (that by which it reaches them)",
    )
    run.add_argument(
        "--working-dir",
        metavar="DIR",
        help="the other machines are given its files, and tasks run and import there",
    )
    run.add_argument("--port", metavar="PORT", help="of this machine's node (one that is free)")
    run.add_argument(
        "--python", metavar="PATH", help="the Python of the other machines (where this one's is)"
    )
    run.add_argument(
        "--rendezvous",
        metavar="DIR",
        help="a directory that all machines see, where tasks of `srun` find each other (that from "
        "which the job was submitted)",
    )
    run.add_argument(
        "--wait", metavar="TIME", default="2m", help="in which all nodes must be there (2m)"
    )
    run.add_argument("--member", metavar="HOST:PORT", help=argparse.SUPPRESS)
    run.add_argument(
        "program", metavar="PROGRAM", nargs=argparse.REMAINDER, help="what is run, behind `--`"
    )


def _add_stop(stop: argparse.ArgumentParser) -> None:
    stop.add_argument("--address", metavar="HOST:PORT", help="only the session at this address")


def _add_drain(drain: argparse.ArgumentParser) -> None:
    drain.add_argument(
        "node",
        metavar="NODE",
        nargs="?",
        help="its address, or the first digits of its id, as `rayx status` shows them (this "
        "machine's)",
    )
    drain.add_argument(
        "--grace",
        metavar="TIME",
        help="after which it leaves, whatever is not done then (that of its `rayx start`; 30, 10m)",
    )
    drain.add_argument("--no-wait", action="store_true", help="do not wait until it has left")
    drain.add_argument(
        "--address", metavar="HOST:PORT", help="the session of this machine whose cluster it is"
    )


def _add_key(key: argparse.ArgumentParser) -> None:
    actions = key.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in {
        "path": "print where it is",
        "show": "print it; who reads it may join, and run code as you",
        "rotate": "make a new one; refused while a session of yours uses the old one",
    }.items():
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        action.add_argument("--key-file", metavar="PATH", help="another than ~/.rayx/cluster.key")


def _add_status(status: argparse.ArgumentParser) -> None:
    status.add_argument("--address", metavar="HOST:PORT", help="only the session at this address")
    status.add_argument("--json", action="store_true", help="the same as data, for programs")
