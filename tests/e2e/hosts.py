"""Hosts: network namespaces of this machine, with addresses of their own and cables between them.

    with Hosts(2) as (head, other):
        server = head.start([sys.executable, "-m", "http.server", "--bind", head.address])
        other.run(["true"])
        head.cut(other)              # nothing gets through, in neither direction
        head.cut(other, "to")        # what `head` sends to `other` is lost, not what comes back
        head.heal()
        head.lose(10)                # one packet of ten, until `heal`
        head.drop_connections()      # as a firewall does that has restarted
        head.slow("20mbit")          # what `head` sends is sent no faster
        head.detour(other, 80, third, 8080)   # who dials there gets to another place

    with Hosts(2, ahead=[0, 86_400]) as (one, two):
        two.run(["cat", "/proc/uptime"])   # it is up for a day longer, as its clocks tell

Each host is a network namespace that exists as long as a process of ours in it does; that process
ends when its standard input is closed, so nothing is left even of a test that is killed. The files
are those of this machine: what has to differ from host to host is set by the environment.
"""

import os
import shutil
import subprocess
import sys

# A host's namespace lives as long as this program, and that as long as the test.
_HOLDER = "import sys; print('here', flush=True); sys.stdin.read()"

_BASE_PACKAGES = "iproute2 and nftables"


def refusal():
    """Why this machine gives no hosts; None if it does.

    Only what nobody here can change is a reason: a user who is not root, a container that may make
    no namespaces. A tool that is missing is none, since `make test` installs it.
    """
    if os.geteuid() != 0:
        return "only root can make network namespaces with cables"
    tried = subprocess.run(["unshare", "--net", "--", "true"], capture_output=True, text=True)
    return tried.stderr.strip() or None


class Host:
    """One namespace. `address` is its IPv4 address, `address6` its IPv6 address.

    `ahead`: so many seconds more than here have passed by its monotonic clocks; its wall clock is
    that of this machine.
    """

    def __init__(self, number, ahead=0):
        self.name = f"host{number}"
        self.address = f"10.77.0.{number}"
        self.address6 = f"fd77::{number}"
        self._children = []
        self._holder = _hold(ahead)
        self.pid = self._holder.pid
        self._namespaces = [f"--net=/proc/{self.pid}/ns/net"]
        if ahead:
            self._namespaces.append(f"--time=/proc/{self.pid}/ns/time_for_children")

    def command(self, argv):
        """`argv` as a command that runs in this host."""
        return ["nsenter", *self._namespaces, "--", *argv]

    def run(self, argv, **options):
        """`subprocess.run` in this host; raises with what was printed if that fails."""
        done = subprocess.run(self.command(argv), capture_output=True, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(
                f"{' '.join(argv)} in {self.name} ended with {done.returncode}: "
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout

    def start(self, argv, **options):
        """`subprocess.Popen` in this host; ended with the host if it has not ended by then."""
        child = subprocess.Popen(self.command(argv), **options)
        self._children.append(child)
        return child

    # ---- the cable ----

    def cut(self, other, direction="both"):
        """Loses what this host sends `to` the other, what comes `from` it, or `both`."""
        if direction not in ("to", "from", "both"):
            raise ValueError(f"direction is 'to', 'from' or 'both', not {direction!r}")
        rules = []
        for family, address in (("ip", other.address), ("ip6", other.address6)):
            if direction != "from":
                rules.append(f"add rule inet cuts out {family} daddr {address} drop")
            if direction != "to":
                rules.append(f"add rule inet cuts in {family} saddr {address} drop")
        self.run(["nft", "-f", "-"], input="\n".join(rules) + "\n")

    def lose(self, percent):
        """Loses so many of the packets that come from other hosts, each by itself."""
        rule = f'add rule inet cuts in iifname "eth0" numgen random mod 100 < {percent} drop'
        self.run(["nft", "-f", "-"], input=rule + "\n")

    def unplug(self):
        """The cable is out until `plug`."""
        self.run(["ip", "link", "set", "eth0", "down"])

    def plug(self):
        """The cable is in again. Of its addresses, IPv4 is there again."""
        self.run(["ip", "link", "set", "eth0", "up"])

    def drop_connections(self):
        """Ends each TCP connection that this host has, at both its ends; how many there were."""
        # The kernel does it (CONFIG_INET_DIAG_DESTROY), and lists what it has ended.
        return len(self.run(["ss", "-H", "-K", "-t", "state", "established"]).splitlines())

    def heal(self):
        """Nothing is lost any more of what `cut` and `lose` lose in this host."""
        self.run(["nft", "-f", "-"], input="flush chain inet cuts out\nflush chain inet cuts in\n")

    def detour(self, other, port, by, by_port):
        """Who dials that port of the other from here gets to a port of the host `by` instead."""
        rules = [
            "add table ip detours",
            "add chain ip detours out { type nat hook output priority -100; }",
            "add rule ip detours out ip daddr "
            f"{other.address} tcp dport {port} dnat to {by.address}:{by_port}",
        ]
        self.run(["nft", "-f", "-"], input="\n".join(rules) + "\n")

    def slow(self, rate):
        """Sends at most so much from now on, such as "20mbit"; None: as fast as it goes."""
        if rate is None:
            self.run(["tc", "qdisc", "del", "dev", "eth0", "root"])
        else:
            burst = ["burst", "64kb", "latency", "400ms"]
            self.run(["tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, *burst])

    # ---- the end ----

    def stop(self):
        """Ends what was started here and is still there, and the namespace."""
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream is not None:
                    stream.close()
        _release(self._holder)


class Hosts:
    """So many hosts, each with a cable to one switch. `ahead`: of each, as of Host."""

    def __init__(self, count, ahead=()):
        lacking = [name for name in ("ip", "nft", "tc", "nsenter") if shutil.which(name) is None]
        if lacking:
            raise RuntimeError(f"no {', '.join(lacking)} here: install {_BASE_PACKAGES}")
        self._switch = None
        self._hosts = []
        try:
            self._switch = _hold()
            self._plug("ip", ["link add switch type bridge", "link set switch up"])
            for number in range(1, count + 1):
                self._add(number, ahead[number - 1] if ahead else 0)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return tuple(self._hosts)

    def __exit__(self, *exception):
        self.stop()

    def stop(self):
        for host in self._hosts:
            host.stop()
        if self._switch is not None:
            _release(self._switch)
            self._switch = None

    def _add(self, number, ahead):
        host = Host(number, ahead)
        self._hosts.append(host)
        # The cable's ends are made in the switch, and one of them is moved into the host.
        self._plug(
            "ip",
            [
                f"link add port{number} type veth peer name eth0 netns {host.pid}",
                f"link set port{number} master switch up",
            ],
        )
        setup = [
            "link set lo up",
            f"addr add {host.address}/24 dev eth0",
            # Without a search for another host of the same address, which takes two seconds.
            f"addr add {host.address6}/64 dev eth0 nodad",
            "link set eth0 up",
        ]
        host.run(["ip", "-batch", "-"], input="\n".join(setup) + "\n")
        tables = [
            "add table inet cuts",
            "add chain inet cuts out { type filter hook output priority 0; }",
            "add chain inet cuts in { type filter hook input priority 0; }",
        ]
        host.run(["nft", "-f", "-"], input="\n".join(tables) + "\n")

    def _plug(self, program, lines):
        command = [
            "nsenter",
            f"--net=/proc/{self._switch.pid}/ns/net",
            "--",
            program,
            "-batch",
            "-",
        ]
        subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)


def _hold(ahead=0):
    """A process in a new network namespace."""
    # A time namespace is that of children: of nsenter's, and here of a fork that does the holding.
    clocks = ["--time", "--monotonic", str(ahead), "--boottime", str(ahead), "--fork"]
    namespaces = ["--net", *(clocks if ahead else [])]
    command = ["unshare", *namespaces, "--", sys.executable, "-S", "-E", "-c", _HOLDER]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if holder.stdout.readline() != b"here\n":
        _release(holder)
        raise RuntimeError("no network namespace could be made: see what unshare --net says")
    return holder


def _release(holder):
    holder.stdin.close()
    holder.stdout.close()
    holder.wait()
