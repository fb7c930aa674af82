"""F53: bytes that nobody should send, on every socket of a session."""

import collections
import os
import random
import socket
import struct
import threading
import time

import pytest
from session_watch import open_files, poll_until, stat_fields

import rayx


@rayx.remote
def add_one(x):
    return x + 1


def frame(kind, payload, length=None):
    return struct.pack("<IHH", len(payload) if length is None else length, kind, 0) + payload


def junk():
    """Each kind of nonsense, endlessly."""
    draw = random.Random(53)
    while True:
        yield draw.randbytes(draw.randint(1, 4000))
        yield frame(1, draw.randbytes(64))
        yield frame(draw.randint(0, 80), draw.randbytes(24))
        yield frame(1, b"", 2**32 - 1)
        yield struct.pack("<Q", 2**63)
        yield frame(1, b"")
        yield b"\0" * 64
        yield frame(1, b"abc", 1000)
        yield b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        yield b"*1\r\n$4\r\nPING\r\n"
        yield b"*1000000000\r\n$2147483647\r\n"
        yield b""


def throw_junk(path, count):
    """`count` connections, a hundred at a time open."""
    is_open = collections.deque()
    for _, content in zip(range(count), junk(), strict=False):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        peer.setblocking(False)
        try:
            peer.send(content)
        except (BrokenPipeError, ConnectionResetError):
            pass
        is_open.append(peer)
        if len(is_open) > 100:
            is_open.popleft().close()
    while is_open:
        is_open.popleft().close()


class LegitClient:
    """Runs tasks all the while, and remembers how long each took."""

    def __init__(self):
        self.seconds = []
        self.wrong = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                if rayx.get(add_one.remote(len(self.seconds)), timeout=20) != len(self.seconds) + 1:
                    self.wrong.append(len(self.seconds))
            except rayx.RayxError as error:
                self.wrong.append(error)
            self.seconds.append(time.monotonic() - began)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._thread.join()


@pytest.mark.time_limit(120)
def test_F53_junk_on_every_socket(rayx_session, parts):
    sockets = [rayx_session["node_socket"], *rayx_session["redis_sockets"]]
    assert len(sockets) >= 2
    throw_junk(sockets[0], 500)
    # What calls one after the other open stays open.
    for number in range(1000):
        assert rayx.get(add_one.remote(number)) == number + 1
    before, files = parts.node_kilobytes(), len(open_files(parts.node))
    with LegitClient() as legit:
        for path in sockets:
            throw_junk(path, 10_000)
    assert not legit.wrong
    assert len(legit.seconds) > 100
    assert sorted(legit.seconds)[len(legit.seconds) * 99 // 100] < 0.5
    assert parts.node_kilobytes() - before < 16 * 1024
    poll_until(lambda: len(open_files(parts.node)) <= files + 2, 5, "the node's descriptors")
    assert all(stat_fields(pid) for pid in [parts.node, *parts.control])


@pytest.mark.time_limit(120)
def test_F53_programs_join_during_a_flood(rayx_session, parts, run_program):
    log = os.path.join(rayx_session["session_dir"], "logs", "node.log")
    bytes_before = os.path.getsize(log)
    is_over = threading.Event()
    floods = [
        threading.Thread(target=flood, args=(rayx_session["node_socket"], is_over))
        for _ in range(4)
    ]
    for thread in floods:
        thread.start()
    try:
        for _ in range(5):
            out, _ = run_program(JOINS, rayx_session["redis_address"])
            assert out == "42\n"
    finally:
        is_over.set()
        for thread in floods:
            thread.join()
    assert os.path.getsize(log) - bytes_before < 32_000


JOINS = """
import sys
import rayx

rayx.init(redis_address=sys.argv[1])
print(rayx.get(rayx.put(42)))
"""


def flood(path, is_over):
    while not is_over.is_set():
        throw_junk(path, 300)


BROKEN = {
    "random": random.Random(1).randbytes(64),
    "junk_after_a_valid_header": frame(1, b"\xff" * 64),
    "length_of_2_to_32": frame(1, b"", 2**32 - 1),
    "length_of_2_to_63": struct.pack("<Q", 2**63),
    "empty": frame(1, b""),
    "unknown_type": frame(77, b"\0" * 8),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_F53_is_closed_within_a_second(parts, rayx_session, kind):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(rayx_session["node_socket"])
        peer.settimeout(1)
        peer.sendall(BROKEN[kind])
        assert _received(peer) == b""


def test_F53_a_slow_drip_is_closed_within_5_seconds(parts, rayx_session):
    """A byte now and then keeps nobody's connection open."""
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(rayx_session["node_socket"])
        peer.settimeout(0.2)
        for byte in frame(1, b"\0" * 4096):
            try:
                peer.sendall(bytes([byte]))
            except (BrokenPipeError, ConnectionResetError):
                break
            try:
                if _received(peer) == b"":
                    break
            except TimeoutError:
                assert time.monotonic() - began < 7
    assert time.monotonic() - began < 7


def _received(peer):
    try:
        return peer.recv(1)
    except ConnectionResetError:
        return b""
