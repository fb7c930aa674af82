"""What clients that send junk cost an honest one beside them (row F53 of the reliability list).

    python benchmarks/junk.py --rounds 3

Each round measures an honest driver's round trips three times: alone; beside a process that sends
as much junk as it can to sockets of its own, which shows what merely sharing the processors costs;
and beside the same process when it sends the junk to the node, 10,000 connections of each kind. A
round trip is a no-op task and a put with its get. Prints the 99th percentiles and their ratios, and
fails if an answer is wrong. What the node says about the junk is in its log, not in the terminal.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import multiprocessing
import random
import socket
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import rayx

# Connections that a hostile process holds open at the same time.
OPEN = 200
# A drip sends a byte this often, until the node has had enough (5 s).
DRIP_SECONDS = 1.0
QUIET_SECONDS = 4.0


def frame(kind: int, payload: bytes, length: int | None = None) -> bytes:
    return struct.pack("<IHH", len(payload) if length is None else length, kind, 0) + payload


KINDS = {
    "random bytes": random.Random(53).randbytes(4000),
    "junk behind a valid header": frame(1, random.Random(54).randbytes(64)),
    "truncated frame": frame(1, b"abc", 1000),
    "length 2^32-1": frame(1, b"", 2**32 - 1),
    "length 2^63": struct.pack("<Q", 2**63),
    "length 0": frame(1, b""),
    "silence": b"",
}


def throw(path: str, content: bytes, connections: int) -> None:
    """Sends the same junk on so many connections, one after the other, some of them open."""
    is_open: collections.deque[socket.socket] = collections.deque()
    for _ in range(connections):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.send(content)
        is_open.append(peer)
        if len(is_open) > OPEN:
            is_open.popleft().close()
    # One more that is closed at once tells when all have been accepted.
    with (
        socket.socket(socket.AF_UNIX) as last,
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
    ):
        last.connect(path)
        last.send(KINDS["length 0"])
        last.recv(1)
    while is_open:
        is_open.popleft().close()


def drip(path: str, connections: int) -> None:
    """So many connections at the same time, each a byte a second, until all are closed."""
    peers = []
    for _ in range(connections):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        peers.append(peer)
    for byte in frame(1, bytes(200)):
        began = time.monotonic()
        left = []
        for peer in peers:
            try:
                peer.send(bytes([byte]))
                left.append(peer)
            except (BrokenPipeError, ConnectionResetError):
                peer.close()
        peers = left
        if not peers:
            return
        time.sleep(max(0.0, began + DRIP_SECONDS - time.monotonic()))
    raise SystemExit(f"{len(peers)} dripping connections are still open")


def hostile(orders: Connection) -> None:
    """A process that does one order after the other: (path, kind, connections)."""
    while (order := orders.recv()) is not None:
        path, kind, connections = order
        if kind == "1 byte/s":
            drip(path, connections)
        else:
            throw(path, KINDS[kind], connections)
        orders.send("done")


def swallow(listener: socket.socket) -> None:
    """Takes connections and closes each at once, for the junk that is not sent to the node."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        peer.close()


@contextlib.contextmanager
def bystander() -> Iterator[str]:
    """The path of a socket in another process, which has nothing to do with the session."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = f"{directory}/bystander.sock"
        listener.bind(path)
        listener.listen(4096)
        process = multiprocessing.get_context("fork").Process(target=swallow, args=(listener,))
        process.start()
        try:
            yield path
        finally:
            process.kill()
            process.join()


@rayx.remote
def nothing(number: int) -> int:
    return number


def round_trips(is_over: threading.Event) -> list[float]:
    """Seconds of each round trip until the event is set."""
    seconds = []
    while not is_over.is_set():
        number = len(seconds)
        began = time.perf_counter()
        task = rayx.get(nothing.remote(number), timeout=60)
        value = rayx.get(rayx.put(number), timeout=60)
        seconds.append(time.perf_counter() - began)
        if task != number or value != number:
            raise SystemExit("the honest driver got a wrong answer")
    return seconds


def p99_us(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100] * 1e6


def quiet() -> list[float]:
    is_over = threading.Event()
    timer = threading.Timer(QUIET_SECONDS, is_over.set)
    timer.start()
    return round_trips(is_over)


def beside(orders: Connection, path: str, kind: str, connections: int) -> list[float]:
    """Round trips while the hostile process sends this kind of junk to a socket."""
    is_over = threading.Event()

    failed = threading.Event()

    def await_end() -> None:
        try:
            orders.recv()
        except EOFError:
            failed.set()
        is_over.set()

    orders.send((path, kind, connections))
    waiter = threading.Thread(target=await_end)
    waiter.start()
    seconds = round_trips(is_over)
    waiter.join()
    if failed.is_set():
        raise SystemExit("the hostile process has died; it says why above")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=10_000, help="of each kind of junk")
    parser.add_argument("--kinds", default="", help="some of the kinds, separated by commas")
    options = parser.parse_args()
    kinds = [*KINDS, "1 byte/s"]
    if options.kinds:
        kinds = [kind for kind in kinds if kind in options.kinds.split(",")]
    orders, ordered = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=hostile, args=(ordered,))
    process.start()
    ordered.close()
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
    with bystander() as elsewhere, rayx.init(driver_mode=rayx.SILENT_MODE) as session:
        quiet()
        for number in range(1, options.rounds + 1):
            for kind in kinds:
                alone = p99_us(quiet())
                sharing = None
                if kind != "1 byte/s":
                    sharing = p99_us(beside(orders, elsewhere, kind, options.connections))
                began = time.perf_counter()
                trips = beside(orders, session["node_socket"], kind, options.connections)
                took = time.perf_counter() - began
                ratios[kind].append(p99_us(trips) / alone)
                beside_us = "not measured" if sharing is None else f"{sharing:.0f} us"
                print(
                    f"round {number}, {kind}: {options.connections / took:,.0f} connections/s; "
                    f"{len(trips)} trips; p99 alone {alone:.0f} us, beside {beside_us}, "
                    f"junk {p99_us(trips):.0f} us",
                    flush=True,
                )
    orders.send(None)
    process.join()
    for kind, of_rounds in ratios.items():
        print(f"{kind}: median ratio {statistics.median(of_rounds):.2f} (F53 allows 2)")


if __name__ == "__main__":
    main()
