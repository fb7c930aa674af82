"""A relay of TCP connections that does to them what a bad network would, by a seed.

    python relay.py --listen 10.77.0.9:7000 --to 10.77.0.1:6379 --seed 5 --flip 100000

Both directions of each connection are passed on in pieces. What happens to a piece is drawn from
the seed, the number of the connection, and the direction, so that a run can be repeated as far as
the pieces are the same.

  --delay LOW,HIGH    each piece waits so many milliseconds; the order stays
  --calm              without delay until it gets SIGUSR1
  --flip N            one bit is flipped in each N bytes, about
  --repeat P          a piece is sent twice with this probability
  --swap P            a piece is sent behind the next one
  --cut N             the connection is reset after N bytes, about
  --record FILE       what the client of the first connection has sent

It prints the address that it listens at, and a line for each connection that it has ended.
"""

import argparse
import random
import selectors
import signal
import socket
import sys
import time

PIECE_BYTES = 16 << 10


class Way:
    """One direction of a connection: what has been read, changed, and is still to be sent."""

    def __init__(self, faults, chance):
        self._faults = faults
        self._chance = chance
        self._waiting = []  # (when, bytes), in order
        self._held_back = None
        self.ended = False  # its source sends no more
        self.told = False  # and its destination knows
        self.passed = 0
        self._flip_at = self._next(faults.flip)
        self._cut_at = self._next(faults.cut)

    def _next(self, mean):
        return self.passed + self._chance.randrange(1, 2 * mean) if mean else None

    def take(self, piece, now):
        """Takes a piece in. True: the connection is to be cut."""
        piece = bytearray(piece)
        while self._flip_at is not None and self._flip_at < self.passed + len(piece):
            piece[self._flip_at - self.passed] ^= 1 << self._chance.randrange(8)
            self._flip_at += self._chance.randrange(1, 2 * self._faults.flip)
        self.passed += len(piece)
        pieces = [bytes(piece)] * (2 if self._chance.random() < self._faults.repeat else 1)
        if self._held_back is not None:
            pieces.append(self._held_back)
            self._held_back = None
        elif self._chance.random() < self._faults.swap:
            self._held_back = pieces.pop()
        low, high = self._faults.delay
        when = now + self._chance.uniform(low, high) / 1000
        if self._waiting:
            when = max(when, self._waiting[-1][0])
        self._waiting += [(when, one) for one in pieces]
        return self._cut_at is not None and self.passed >= self._cut_at

    def end(self):
        self.ended = True
        if self._held_back is not None:
            self._waiting.append((0.0, self._held_back))
            self._held_back = None

    def due(self, now):
        return self._waiting[0][1] if self._waiting and self._waiting[0][0] <= now else None

    def sent(self, count):
        when, piece = self._waiting[0]
        if count == len(piece):
            self._waiting.pop(0)
        else:
            self._waiting[0] = (when, piece[count:])

    @property
    def when(self):
        """When the next piece is due; None if there is none."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def done(self):
        return self.ended and not self._waiting

    @property
    def full(self):
        return sum(len(piece) for _, piece in self._waiting) > 1 << 20


class Link:
    """A connection: the client's socket and the server's, and the way to each."""

    def __init__(self, number, client, server, faults):
        self.number = number
        self.sockets = (client, server)
        #: ways[i] leads to sockets[i].
        self.ways = [
            Way(faults, random.Random(f"{faults.seed} {number} {direction}"))
            for direction in ("to the client", "to the server")
        ]
        self.closed = False

    def reset(self, why):
        """What the sockets have not sent yet is lost."""
        linger = (1).to_bytes(4, sys.byteorder) + bytes(4)
        for one in self.sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close(why)

    def close(self, why):
        self.closed = True
        for one in self.sockets:
            one.close()
        print(f"{self.number} {why} after {[way.passed for way in self.ways]} bytes", flush=True)

    def end_ways(self):
        """Tells each side that no more comes, once all has been sent to it."""
        for one, way in zip(self.sockets, self.ways, strict=True):
            if way.done and not way.told:
                way.told = True
                one.shutdown(socket.SHUT_WR)
        if all(way.done for way in self.ways):
            self.close("ended")


class Relay:
    def __init__(self, options):
        self._options = options
        self._record = open(options.record, "wb") if options.record else None
        family = socket.AF_INET6 if ":" in options.listen[0] else socket.AF_INET
        self._listener = socket.create_server(options.listen, family=family)
        self._listener.setblocking(False)
        self._links = []
        self._accepted = 0
        self.address = self._listener.getsockname()

    def run(self):
        while True:
            self._turn()

    def _turn(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            now = time.monotonic()
            soonest = None
            for link in self._links:
                for to, one in enumerate(link.sockets):
                    events = 0
                    if not link.ways[1 - to].ended and not link.ways[1 - to].full:
                        events |= selectors.EVENT_READ
                    way = link.ways[to]
                    if way.due(now) is not None:
                        events |= selectors.EVENT_WRITE
                    elif way.when is not None:
                        soonest = way.when if soonest is None else min(soonest, way.when)
                    if events:
                        selector.register(one, events, (link, to))
            timeout = None if soonest is None else max(0.0, soonest - now)
            for key, events in selector.select(timeout):
                if key.data is None:
                    self._accept()
                elif not key.data[0].closed:
                    self._serve(*key.data, events)
        self._links = [link for link in self._links if not link.closed]

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self._options.to, timeout=5)
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._links.append(Link(self._accepted, client, server, self._options))
        self._accepted += 1

    def _serve(self, link, to, events):
        try:
            if events & selectors.EVENT_READ:
                self._read(link, to)
            if not link.closed and events & selectors.EVENT_WRITE:
                piece = link.ways[to].due(time.monotonic())
                link.ways[to].sent(link.sockets[to].send(piece))
            if not link.closed:
                link.end_ways()
        except BlockingIOError:
            return
        except OSError as error:
            link.reset(f"broke ({error.strerror})")

    def _read(self, link, source):
        way = link.ways[1 - source]
        piece = link.sockets[source].recv(PIECE_BYTES)
        if not piece:
            return way.end()
        if self._record is not None and link.number == 0 and source == 0:
            self._record.write(piece)
            self._record.flush()
        if way.take(piece, time.monotonic()):
            link.reset("cut")


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def interval(text):
    low, _, high = text.partition(",")
    return float(low), float(high or low)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", type=address, required=True)
    parser.add_argument("--to", type=address, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delay", type=interval, default=(0.0, 0.0))
    parser.add_argument("--flip", type=int, default=0)
    parser.add_argument("--repeat", type=float, default=0.0)
    parser.add_argument("--swap", type=float, default=0.0)
    parser.add_argument("--cut", type=int, default=0)
    parser.add_argument("--record")
    parser.add_argument("--calm", action="store_true")
    options = parser.parse_args()
    if options.calm:
        delay, options.delay = options.delay, (0.0, 0.0)
        signal.signal(signal.SIGUSR1, lambda *_: setattr(options, "delay", delay))
    relay = Relay(options)
    print(f"{relay.address[0]}:{relay.address[1]}", flush=True)
    relay.run()


if __name__ == "__main__":
    main()
