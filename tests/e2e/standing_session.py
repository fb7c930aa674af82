"""A session that `rayx start` has begun, for tests that join it, look at it and do it harm."""

import json
import os
import re
import subprocess
import sys

from session_watch import descendants, poll_until, read, stat_fields

COMMAND = [sys.executable, "-m", "rayx"]
#: Small, so that many fit on any machine.
STORE = "--object-store-memory=67108864"

# Comes before each program that joins.
JOIN = """
import os, signal, sys, threading, time
import rayx

def join():
    return rayx.init(redis_address=sys.argv[1])

@rayx.remote
def square(x):
    return x * x
"""


def rayx_command(*arguments, exit_code=0, **environment):
    """Runs `rayx`; what it printed on stdout, and on stderr. `exit_code`: None for any."""
    ran = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        env=os.environ | environment,
    )
    assert exit_code in (None, ran.returncode), ran.stdout + ran.stderr
    return ran.stdout, ran.stderr


class StandingSession:
    """Begun by `rayx start` with these arguments, as a head unless they say otherwise.

    `run`: runs `rayx`, on the machine where it is to be.
    """

    def __init__(self, *arguments, run=rayx_command):
        self._run = run
        joins = any(argument.startswith("--redis-address=") for argument in arguments)
        how = [] if joins else ["--head"]
        self.told, self.warned = run("start", *how, "--num-cpus=2", STORE, *arguments)
        (line,) = (line for line in self.told.splitlines() if line.startswith("redis_address="))
        #: What programs are given, and other nodes.
        self.cluster = line.partition("=")[2].strip('"')
        #: Of this machine's node.
        self.address = self.cluster
        if joins:
            self.address = re.search(r"as the node (\S+):\n", self.told)[1]
        facts = self.status()
        self.directory = facts["session_dir"]
        self.supervisor = facts["supervisor_pid"]
        self._seen = set()
        self.note()

    def note(self):
        """Notes the processes that it has now, for `assert_gone`."""
        self._seen |= {self.supervisor, *descendants(self.supervisor)}

    def status(self, exit_code=0):
        """What `rayx status --json` tells of it."""
        out, _ = self._run("status", "--json", f"--address={self.address}", exit_code=exit_code)
        (facts,) = json.loads(out)["sessions"]
        return facts

    def stop(self):
        """What `rayx stop` says. Nothing of it may be left afterwards, at once."""
        self.note()
        out, _ = self._run("stop", f"--address={self.address}")
        self.assert_gone(0)
        return out

    def assert_gone(self, seconds):
        """Neither processes nor files."""

        def left():
            # Who has reaped nothing yet has nothing to do with us: zombies are gone.
            found = [pid for pid in self._seen if (stat_fields(pid) or "Z")[0] != "Z"]
            return found or (os.path.exists(self.directory) and [self.directory])

        poll_until(lambda: not left(), seconds, f"nothing is left of {left()}")

    def child(self, *names):
        """The process below the supervisor that has one of these names; None if there is none."""
        for pid in descendants(self.supervisor):
            if read(f"/proc/{pid}/comm").strip() in names:
                return pid
        return None

    def node(self):
        return self.child("rayx-node")

    def global_scheduler(self):
        return self.child("rayx-global-sch")  # as the system shortens it

    def control_servers(self):
        names = ("valkey-server", "redis-server")
        return [
            pid
            for pid in descendants(self.supervisor)
            if read(f"/proc/{pid}/comm").strip() in names
        ]
