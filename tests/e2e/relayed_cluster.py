"""A cluster in which all that the head and the others say to each other passes a relay.

    with Machines(4) as machines:
        cluster = RelayedCluster(machines, ["home", "a", "b"], "--delay", "0,500")
        cluster.machines["home"].start_program("...", cluster.head.cluster)

The last machine has the relays and no node. Each node has 100 of a resource with its name, and is
`started_with` further options. What the others say among themselves passes no relay.
"""

import os
import signal
import subprocess
import sys
import threading

from cluster_machines import PORT

RELAY = os.path.join(os.path.dirname(__file__), "relay.py")


class RelayedCluster:
    def __init__(self, machines, names, *relay_options, started_with=()):
        *machines, self._between = machines
        self._relays = []
        self._options = relay_options
        self.machines = dict(zip(names, machines, strict=True))
        one, *others = machines
        self.sessions = []
        for machine, name in zip(machines, names, strict=True):
            where = f"--port={PORT}", f'--resources={{"{name}": 100}}', *started_with
            if machine is one:
                self.head = one.start(f"--node-ip-address={one.address}", *where)
                self.sessions.append(self.head)
                to_head = self._start_relay(one)
                continue
            machine.host.detour(one, PORT, self._between, to_head)
            one.host.detour(machine, PORT, self._between, self._start_relay(machine))
            if one.key.exists():
                machine.copy_key(one)
            self.sessions.append(machine.start(f"--redis-address={self.head.cluster}", *where))
        # Their delays begin when all have joined.
        for relay, _, _ in self._relays:
            relay.send_signal(signal.SIGUSR1)

    def _start_relay(self, machine):
        """Its port."""
        relay = self._between.host.start(
            [sys.executable, RELAY, "--listen", f"{self._between.address}:0", "--calm"]
            + ["--to", f"{machine.address}:{PORT}", *self._options],
            stdout=subprocess.PIPE,
            text=True,
        )
        port = int(relay.stdout.readline().rpartition(":")[2])
        # A relay says a line for each connection, and would stop when the pipe is full.
        lines = []
        reader = threading.Thread(target=lines.extend, args=(relay.stdout,), daemon=True)
        reader.start()
        self._relays.append((relay, reader, lines))
        return port

    def ended(self):
        """How many connections have ended."""
        return sum(len(lines) for _, _, lines in self._relays)

    def end_relays(self):
        """How many connections they have cut."""
        cut = 0
        for relay, reader, lines in self._relays:
            relay.kill()
            reader.join()
            cut += sum(" cut after " in line for line in lines)
        return cut
