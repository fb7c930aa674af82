"""Machines of a cluster: hosts (hosts.py) with a home, records and sessions of their own.

    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", f"--port={PORT}")
        two.copy_key(one)
        member = two.start(f"--redis-address={head.cluster}")
        two.run_program("...", head.cluster)       # a driver on the second machine

Nothing that was started on them is left when they go.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hosts import Hosts
from standing_session import COMMAND, StandingSession

PORT = 6379


class Machine:
    """A host, and what differs from machine to machine beside the network."""

    def __init__(self, host, place):
        self.host = host
        self.address = host.address
        self.address6 = host.address6
        # Short: sockets lie in it.
        self.home = Path(place) / host.name
        self.home.mkdir(mode=0o700)
        self.key = self.home / ".rayx" / "cluster.key"
        self.environment = os.environ | {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "RAYX_RUNTIME_DIR": str(self.home / "records"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
        }
        self.sessions = []
        self._programs = 0

    def rayx(self, *arguments, exit_code=0, **environment):
        """Runs `rayx` here; what it printed on stdout, and on stderr. `exit_code`: None for any."""
        ran = self.run([*COMMAND, *arguments], env=self.environment | environment)
        assert exit_code in (None, ran.returncode), ran.stdout + ran.stderr
        return ran.stdout, ran.stderr

    def run(self, argv, **options):
        """`subprocess.run` here, whatever comes of it."""
        options = {"env": self.environment, "timeout": 55} | options
        return subprocess.run(self.host.command(argv), capture_output=True, text=True, **options)

    def start(self, *arguments):
        """What `rayx start` has begun here."""
        self.sessions.append(StandingSession(*arguments, run=self.rayx))
        return self.sessions[-1]

    def copy_key(self, other):
        """As the user does by scp."""
        self.key.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(other.key, self.key)

    def run_program(self, source, *arguments, exit_code=0):
        """Runs a program here to its end; its stdout and stderr."""
        ran = self.run([sys.executable, self._file(source), *arguments])
        assert ran.returncode == exit_code, ran.stdout + ran.stderr
        return ran.stdout, ran.stderr

    def start_program(self, source, *arguments):
        """Starts a program here, with pipes; it is dead when the machine goes."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return self.host.start(
            [sys.executable, self._file(source), *arguments],
            env=self.environment,
            text=True,
            **pipes,
        )

    def _file(self, source):
        self._programs += 1
        path = self.home / f"program{self._programs}.py"
        path.write_text(source)
        return str(path)

    def end(self):
        """Ends what was started here. Nothing of it may be left."""
        for session in self.sessions:
            session.note()
        self.rayx("stop")
        for session in self.sessions:
            session.assert_gone(0)
        assert list((self.home / "records").glob("*")) == []


class Machines:
    """So many, each with a cable to one switch. `ahead`: as of Hosts."""

    def __init__(self, count, ahead=()):
        self._place = tempfile.mkdtemp(prefix="m")
        self._hosts = Hosts(count, ahead)
        self._machines = [Machine(host, self._place) for host in self._hosts.__enter__()]

    def __enter__(self):
        return tuple(self._machines)

    def __exit__(self, *exception):
        try:
            for machine in self._machines:
                machine.host.heal()
            for machine in reversed(self._machines):
                machine.end()
        finally:
            self._hosts.stop()
            shutil.rmtree(self._place)


# Tells what it sees of the cluster's nodes, whenever it is asked.
_WATCH = """
import json, sys
import rayx

rayx.init(redis_address=sys.argv[1])
for line in sys.stdin:
    told = [[node.node_id, node.address, node.alive] for node in rayx.nodes()]
    print(json.dumps(told), flush=True)
"""


class Watcher:
    """A program on a machine that sees the nodes as the tables have them."""

    def __init__(self, machine, cluster):
        self._program = machine.start_program(_WATCH, cluster)
        self.nodes()

    def nodes(self):
        """(id, address, alive) of each that there is or was, oldest first."""
        self._program.stdin.write("nodes\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, self._program.stderr.read()
        return [tuple(node) for node in json.loads(line)]

    def living(self):
        """The ids of those that live, by their addresses."""
        return {address: node_id for node_id, address, alive in self.nodes() if alive}

    def end(self):
        """By its last line."""
        self._program.stdin.close()
        assert self._program.wait(20) == 0


def start_cluster(machines, *arguments):
    """A head on the first machine, and a node on each other; their sessions."""
    one, *others = machines
    head = one.start(f"--node-ip-address={one.address}", f"--port={PORT}", *arguments)
    members = []
    for other in others:
        if not arguments:
            other.copy_key(one)
        members.append(other.start(f"--redis-address={head.cluster}", *arguments))
    return (head, *members)
