"""What clients that send junk cost an honest one beside them (row F53 of the reliability list).

    python benchmarks/junk.py --rounds 3

Each round measures an honest driver's round trips three times: alone; beside a process that sends
as much junk as it can to sockets of its own, which shows what merely sharing the processors costs;
and beside the same process when it sends the junk to the node, 10,000 connections of each kind. A
round trip is a no-op task and a put with its get. Prints the 99th percentiles and their ratios, and
fails if an answer is wrong. What the node says about the junk is in its log, not in the terminal.

Then the same junk is sent while the honest driver does nothing: how much time of a processor the
node spends on a connection, and how often it is woken for one, depends on the machine's load much
less than a percentile does.

Good traffic is recorded from a driver that joins the session, runs a task and stores a value. Each
connection that sends it again, or the beginning of it, does so as a driver of its own.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import multiprocessing
import os
import random
import socket
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import rayx
from rayx.launch import joining

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


class GoodTraffic:
    """What a driver says to its node."""

    def __init__(self, said: bytes, driver_id: bytes):
        self._said = said
        self._driver_id = driver_id
        # The header of the first frame tells its length; frames are multiples of 8.
        self._hello_bytes = 8 + (struct.unpack_from("<I", said)[0] + 7) // 8 * 8
        if said.count(driver_id) == 0 or len(said) <= self._hello_bytes:
            raise SystemExit("no good traffic was recorded")
        self._draw = random.Random(55)

    def hello(self) -> bytes:
        return self._of_another()[: self._hello_bytes]

    def cut_hello(self) -> bytes:
        return self.hello()[: self._draw.randrange(1, self._hello_bytes)]

    def cut_messages(self) -> bytes:
        return self._of_another()[: self._draw.randrange(self._hello_bytes, len(self._said))]

    def _of_another(self) -> bytes:
        return self._said.replace(self._driver_id, self._draw.randbytes(16))


# What a connection says before it is closed at once.
CUT_OFF: dict[str, Callable[[GoodTraffic], bytes]] = {
    "hello cut off": GoodTraffic.cut_hello,
    "hello, then gone": GoodTraffic.hello,
    "messages cut off": GoodTraffic.cut_messages,
}
# Connects as it should, and closes when it is let in.
LET_IN = "let in, then gone"
ALL_KINDS = [*KINDS, *CUT_OFF, LET_IN, "1 byte/s"]


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
    await_taken(path)
    while is_open:
        is_open.popleft().close()


def await_taken(path: str) -> None:
    """Returns when all that have connected before are taken: one more, which is closed at once."""
    with (
        socket.socket(socket.AF_UNIX) as last,
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
    ):
        last.connect(path)
        last.send(KINDS["length 0"])
        last.recv(1)


def throw_and_leave(path: str, content: Callable[[], bytes], connections: int, hears: bool) -> None:
    """As `throw`, but each is closed before the next, and hears the node's first answer or not."""
    for _ in range(connections):
        with (
            socket.socket(socket.AF_UNIX) as peer,
            contextlib.suppress(BrokenPipeError, ConnectionResetError),
        ):
            peer.connect(path)
            peer.send(content())
            if hears:
                peer.recv(1 << 16)
    await_taken(path)


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
    """A process that is given good traffic, and does one order after the other: (path, kind,
    connections)."""
    good: GoodTraffic = orders.recv()
    while (order := orders.recv()) is not None:
        path, kind, connections = order
        if kind == "1 byte/s":
            drip(path, connections)
        elif kind == LET_IN:
            throw_and_leave(path, good.hello, connections, True)
        elif kind in CUT_OFF:
            throw_and_leave(path, functools.partial(CUT_OFF[kind], good), connections, False)
        else:
            throw(path, KINDS[kind], connections)
        orders.send("done")


def speak(proxy: str, address: str, tells: Connection) -> None:
    """What is recorded: a driver that joins the session of `address` through a proxy."""
    joining.JoinedSession.node_socket = property(lambda self: Path(proxy))  # type: ignore[assignment]
    info = rayx.init(redis_address=address, driver_mode=rayx.SILENT_MODE)
    for number in range(3):
        rayx.get([nothing.remote(number), rayx.put(number)])
    rayx.shutdown()
    tells.send(bytes.fromhex(info["driver_id"]))


def pass_on(source: socket.socket, target: socket.socket, said: list[bytes] | None) -> None:
    """Passes bytes and descriptors on until the source has ended; notes the bytes."""
    while True:
        data, fds, _, _ = socket.recv_fds(source, 1 << 16, 16)
        if not data:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
            return
        if said is not None:
            said.append(data)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sent = socket.send_fds(target, [data], fds) if fds else 0
            target.sendall(data[sent:])
        for fd in fds:
            os.close(fd)


def record(node_socket: str, address: str) -> GoodTraffic:
    """Lets a driver join the session, and listens to what it says on its first connection."""
    recorded: list[bytes] = []
    threads = []
    told, tells = multiprocessing.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = f"{directory}/proxy.sock"
        listener.bind(path)
        listener.listen()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=speak, args=(path, address, tells))
        process.start()
        for said in (recorded, None):
            peer, _ = listener.accept()
            node = socket.socket(socket.AF_UNIX)
            node.connect(node_socket)
            for ends in ((peer, node, said), (node, peer, None)):
                threads.append(threading.Thread(target=pass_on, args=ends))
                threads[-1].start()
        driver_id = told.recv()
        process.join()
        for thread in threads:
            thread.join()
    return GoodTraffic(b"".join(recorded), driver_id)


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


class NodeTime:
    """Time of a processor that the node spends, and how often it is woken, since this was made."""

    def __init__(self, supervisor: int):
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        names = {Path(f"/proc/{pid}/comm").read_text().strip(): pid for pid in children}
        self._process = Path(f"/proc/{names['rayx-node']}")
        self._began = self._read()

    def _read(self) -> tuple[int, int]:
        nanoseconds = int((self._process / "schedstat").read_text().split()[0])
        for line in (self._process / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                return nanoseconds, int(line.split()[1])
        raise SystemExit("the node's switches are not to be found")

    def of_each(self, connections: int) -> tuple[float, float]:
        """Microseconds and wake-ups a connection."""
        spent, woken = (now - then for now, then in zip(self._read(), self._began, strict=True))
        return spent / 1000 / connections, woken / connections


def print_node_times(
    orders: Connection, session: rayx.AddressInfo, kinds: list[str], connections: int
) -> None:
    for kind in kinds:
        node = NodeTime(session["supervisor_pid"])
        orders.send((session["node_socket"], kind, connections))
        orders.recv()
        spent_us, wakes = node.of_each(connections)
        print(f"{kind}: the node spends {spent_us:.1f} us a connection, woken {wakes:.3f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="0: only the node's time")
    parser.add_argument("--connections", type=int, default=10_000, help="of each kind of junk")
    parser.add_argument("--kinds", default="", help="some of the kinds, separated by semicolons")
    options = parser.parse_args()
    kinds = ALL_KINDS
    if options.kinds:
        kinds = [kind for kind in kinds if kind in options.kinds.split(";")]
    orders, ordered = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=hostile, args=(ordered,))
    process.start()
    ordered.close()
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
    with bystander() as elsewhere, rayx.init(driver_mode=rayx.SILENT_MODE) as session:
        orders.send(record(session["node_socket"], session["redis_address"]))
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
        print_node_times(orders, session, kinds, options.connections)
    orders.send(None)
    process.join()
    for kind, of_rounds in ratios.items():
        if not of_rounds:
            continue
        print(f"{kind}: median ratio {statistics.median(of_rounds):.2f} (F53 allows 2)")


if __name__ == "__main__":
    main()
