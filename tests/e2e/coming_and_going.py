"""Members of a cluster that die, leave, are cut off and come back, as a seed has it.

    coming = ComingAndGoing(seed, [Member(machine, others, arguments) for machine in …])
    for _ in range(10):
        coming.step()          # one or two of them go, and come back
    coming.all_serve()

Each way to go has a time to lie down in, after which the machine comes back: by its supervisor, by
`rayx start`, or by a network that is whole again.
"""

import os
import random
import signal
import threading
import time

from session_watch import poll_until

# In which whoever was found dead is back, on a machine that has much to do.
BACK_SECONDS = 20.0


class Leaving:
    """A machine goes, and comes back. `seconds` lie between, at least."""

    seconds = 1.0

    def __init__(self, member):
        self.member = member

    def go(self):
        raise NotImplementedError

    def come(self):
        """Another session, of a machine that has none any more."""
        self.member.start()


class DaemonKilled(Leaving):
    seconds = 2.5  # a session is given up for five deaths within ten seconds

    def go(self):
        os.kill(self.member.session.node(), signal.SIGKILL)

    def come(self):
        pass  # its supervisor starts another


class MachineKilled(Leaving):
    def go(self):
        session = self.member.session
        session.note()
        os.kill(session.supervisor, signal.SIGKILL)
        session.assert_gone(3)


class Stopped(Leaving):
    def go(self):
        self.member.session.stop()


class Drained(Leaving):
    """As a machine is told of its end."""

    def go(self):
        session = self.member.session
        session.note()
        os.kill(session.supervisor, signal.SIGTERM)
        session.assert_gone(40)


class Frozen(Leaving):
    """For long enough to be declared dead."""

    seconds = 7.0

    def go(self):
        self._pid = self.member.session.node()
        os.kill(self._pid, signal.SIGSTOP)

    def come(self):
        os.kill(self._pid, signal.SIGCONT)


class CutOff(Leaving):
    """For long enough to be declared dead."""

    seconds = 7.0

    def go(self):
        for other in self.member.others:
            self.member.machine.host.cut(other.host)

    def come(self):
        self.member.machine.host.heal()


class CutOffShortly(CutOff):
    """So shortly that it harms nobody."""

    seconds = 2.0


WAYS = (DaemonKilled, MachineKilled, Stopped, Drained, Frozen, CutOff, CutOffShortly)


class Member:
    """A machine that goes and comes. It is started with `join`, the arguments of `rayx start`."""

    def __init__(self, machine, others, join):
        self.machine = machine
        self.others = others
        self._join = join
        self.session = None
        self.start()

    def start(self):
        self.session = self.machine.start(*self._join)

    def serves(self):
        status = lambda: self.session.status(None)["state"] == "serving"  # noqa: E731
        poll_until(status, BACK_SECONDS, f"{self.machine.address} serves")


class ComingAndGoing:
    """All that is chosen, is chosen by the seed. The members are two or more."""

    def __init__(self, seed, members):
        self._random = random.Random(seed)
        self._members = members
        self._ways = []
        #: How often each way was taken.
        self.taken = dict.fromkeys((way.__name__ for way in WAYS), 0)

    def step(self):
        members = self._random.sample(self._members, self._random.choice([1, 1, 2]))
        leaving = [self._way()(member) for member in members]
        for one in leaving:
            one.member.serves()
        began = time.monotonic()
        for one in leaving:
            print(f"{one.member.machine.address}: {type(one).__name__}", flush=True)
            one.go()
        pause(max(one.seconds for one in leaving) - (time.monotonic() - began))
        for one in leaving:
            one.come()
        pause(self._random.random())

    def all_serve(self):
        for member in self._members:
            member.serves()

    def _way(self):
        # Each once before any comes again.
        if not self._ways:
            self._ways = self._random.sample(WAYS, len(WAYS))
        way = self._ways.pop()
        self.taken[way.__name__] += 1
        return way


def pause(seconds):
    threading.Event().wait(max(0.0, seconds))  # what a storm lasts
