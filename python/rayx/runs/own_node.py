"""A node of this machine that ends with this process, however that ends.

node = OwnNode.start(InitOptions.checked(num_cpus=4), "192.0.2.7", key)
member = OwnNode.start(options, "192.0.2.7", key, head=node.address)
member.stop()
"""

from __future__ import annotations

import os

from rayx import errors, questions
from rayx._raylet import Client, RayletError
from rayx.launch.init_options import InitOptions
from rayx.launch.processes import Processes, Standing
from rayx.records import cluster_key
from rayx.records.session_records import SessionRecord
from rayx.standing import sessions

# What is told to end is killed if it does not.
_STOP_SECONDS_MAX = 10.0
_QUERY_MS = 5_000


class OwnNode:
    """A head, or a member of a cluster."""

    def __init__(self, processes: Processes, record: SessionRecord) -> None:
        self._processes = processes
        self.record = record

    @classmethod
    def start(
        cls, options: InitOptions, address: str, key: bytes, head: str = "", port: int = 0
    ) -> OwnNode:
        """Returns when it serves. StartError, with nothing left behind, if it cannot be."""
        with cluster_key.lent(key) as key_file:
            where = Standing(address, port, str(key_file), head, owner_pid=os.getpid())
            processes = sessions.launch(options, where)
            try:
                return cls(processes, sessions.enter(processes, options, where))
            except BaseException:
                processes.stop()  # whose supervisor removes its record
                raise

    @property
    def address(self) -> str:
        """Its own, "HOST:PORT"."""
        return self.record.address

    def why_it_ended(self) -> str:
        """What its supervisor has said last."""
        return self._processes.why_it_ended()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within that time."""
        return self.record.supervisor.wait(seconds)

    def drain(self) -> None:
        """Has it give to others what it has for them, and leave. StartError if that cannot be."""
        try:
            client = Client.connect_observer(str(self._processes.node_socket), os.urandom(16))
            try:
                questions.drain(client, _QUERY_MS)
            finally:
                client.close()
        except RayletError as error:
            raise errors.StartError(f"it cannot be drained: {error.message}") from None

    def stop(self) -> None:
        """Does nothing if it has ended."""
        self._processes.stop(_STOP_SECONDS_MAX)
        self.record.remove()
