"""A member of a cluster that has nothing but its sessions, on a machine of a test.

It joins within the time that joining takes, without the processes of a session; and it does at a
word what no node does. What it can is told in tests/cpp/daemon/network/bare_member_main.cc.
"""

import contextlib
import subprocess
import sys
import threading

from built import built
from session_watch import poll_until


def program():
    return built("cpp/daemon/daemon_test_bare_member")


class BareMember:
    """It, and the lines that it has said. It has joined when this is made."""

    def __init__(self, machine, head, seconds=20.0):
        self.lines = []
        self._child = machine.host.start(
            [program(), "--key-file", str(machine.key), "--head", head.cluster]
            + ["--listen", machine.address]
            + ["--python", f"{sys.version_info.major}.{sys.version_info.minor}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.says("joined", seconds)
        except AssertionError:
            self.end()
            raise

    def _read(self):
        with contextlib.suppress(ValueError):
            for line in self._child.stdout:
                self.lines.append(line.rstrip("\n"))

    def tell(self, line):
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def says(self, beginning, seconds=20.0, count=1):
        """The newest line that begins so, once there are so many."""

        def said():
            found = [line for line in self.lines if line.startswith(beginning)]
            return found[-1] if len(found) >= count else None

        return poll_until(said, seconds, f"{count} lines {beginning} among {self.lines}")

    def end(self):
        """It goes without a word, as when it is killed."""
        self._child.kill()
        self._child.wait()
        self._reader.join()
