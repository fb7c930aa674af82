"""A client of the node: a driver's, or a worker's."""

from typing import final

from rayx.node_client import NodeClient

@final
class Client(NodeClient):
    """A connection to the node. Methods that wait release the GIL and honour Ctrl-C."""

    @staticmethod
    def connect_driver(
        socket_path: str, driver_id: bytes, python_version: str, driver_config: bytes
    ) -> Client: ...
    @staticmethod
    def connect_observer(socket_path: str, observer_id: bytes) -> Client:
        """For questions only, and nothing is recorded of it; whatever else it asks is refused.

        `observer_id`: 16 bytes that nobody else has.
        """
    @staticmethod
    def adopt_worker(socket_fd: int, claim_fd: int, number: int, python_version: str) -> Client: ...
    def has_reference(self, binary: bytes) -> bool:
        """Whether this process has an ObjectID of these 20 bytes, or waits for its object."""
    def note_exit_work(self) -> None:
        """Something is to be run when this worker ends, so that the end of its driver waits for it.

        Does nothing in a driver, or in a fork of the worker.
        """
