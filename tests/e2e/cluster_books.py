"""What the nodes of a cluster say of what they hold, for tests that look whether all is given back.

    with AllBooks(head, member) as books:
        ...
        books.assert_empty(10)

The sockets of nodes are files, and so are there for this process wherever the node's network is.
"""

import contextlib
import os
import re
from pathlib import Path

from session_watch import poll_until

from rayx import questions
from rayx._raylet import Client

_QUERY_MS = 5_000


class Books:
    """Of the node of one session, asked by somebody who does not join it."""

    def __init__(self, session):
        self._client = Client.connect_observer(f"{session.directory}/node.sock", os.urandom(16))

    def dump(self):
        return questions.dump(self._client, _QUERY_MS)

    def objects(self):
        """(objects, bytes of the pool in use): functions do not count."""
        found = re.search(r"object store: (\d+) objects.*?, used .*?(\d+) bytes", self.dump())
        return int(found[1]), int(found[2])

    def holding(self):
        """The objects that it has, as lines for people."""
        return [line for line in self.dump().splitlines() if ", held by " in line]

    def numbers(self):
        """The fields of NodeReply."""
        return questions.node(self._client, _QUERY_MS)

    def messages(self):
        """How many it has said to other nodes and heard of them, of objects and tasks."""
        found = re.search(r"messages said to other nodes: (\d+), heard: (\d+)", self.dump())
        return int(found[1]), int(found[2])

    def close(self):
        self._client.close()


class AllBooks:
    """Of all nodes of a cluster, in the order of their sessions."""

    def __init__(self, *sessions):
        self._closing = contextlib.ExitStack()
        self.books = []
        for session in sessions:
            self.books.append(Books(session))
            self._closing.callback(self.books[-1].close)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._closing.close()
        self.books.clear()  # a client's descriptors go with it

    def __iter__(self):
        return iter(self.books)

    def is_empty(self):
        return all(book.objects() == (0, 0) for book in self.books)

    def assert_empty(self, seconds):
        """No node knows any object, and all pools are empty, within that time."""
        try:
            poll_until(self.is_empty, seconds, "no node has an object")
        except AssertionError as error:
            held = "\n".join(f"node {i}: {book.holding()}" for i, book in enumerate(self.books))
            raise AssertionError(f"{error}\n{held}") from None

    def assert_without_workers(self, seconds):
        """No node has a worker that does something."""

        def busy():
            told = [book.numbers() for book in self.books]
            return any(one["workers_busy"] or one["workers_blocked"] for one in told)

        poll_until(lambda: not busy(), seconds, "no worker is busy")


def network_bytes(host):
    """What a host has sent and received on its cable."""
    lines = Path(f"/proc/{host.pid}/net/dev").read_text().splitlines()
    (fields,) = (line.split(":")[1].split() for line in lines if line.strip().startswith("eth0:"))
    return int(fields[0]) + int(fields[8])
