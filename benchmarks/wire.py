"""What encryption costs large values that go from one node to another: TLS beside none.

    python benchmarks/wire.py                       # 3 rounds of 20 values of 32 MiB, in turn
    python benchmarks/wire.py --rounds 5 --json figures.json

Two nodes of this machine, which reach each other by the loopback interface, and a program at the
head that gets what tasks at the other one have made. Bytes a second are by the clock, from asking
to having all; and by the processor time of both nodes, which others' work disturbs less. In the
same run OpenSSL tells how quickly it encrypts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

VALUE_BYTES = 32 << 20
COMMAND = [sys.executable, "-m", "rayx"]
STORE = f"--object-store-memory={1 << 30}"

# Gets values that a task at the other node has made, and prints how long that took, with the
# processor time of the two nodes meanwhile.
PROGRAM = """
import json, sys, time
import numpy as np
import rayx

address, count, size, *pids = sys.argv[1:]
rayx.init(redis_address=address)

@rayx.remote(resources={"there": 1})
def make(size):
    return np.ones(size, np.uint8)

def processor_seconds():
    ticks = 0
    for pid in pids:
        fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100

values = [make.remote(int(size)) for _ in range(int(count) + 2)]
rayx.wait(values, num_returns=len(values), timeout_s=60)
rayx.get(values[:2], timeout=60)
began, before = time.monotonic(), processor_seconds()
for value in values[2:]:
    assert rayx.get(value, timeout=60).nbytes == int(size)
print(json.dumps([time.monotonic() - began, processor_seconds() - before]))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def rayx(*words: str, place: str) -> str:
    environment = os.environ | {"RAYX_RUNTIME_DIR": f"{place}/records", "TMPDIR": place}
    done = subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode != 0:
        sys.exit(f"rayx {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def nodes_below(place: str) -> list[str]:
    """The pids of the two daemons."""
    told = json.loads(rayx("status", "--json", place=place))
    pids = []
    for session in told["sessions"]:
        supervisor = session["supervisor_pid"]
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        pids += [pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "rayx-node\n"]
    return pids


@contextlib.contextmanager
def two_nodes(how: list[str], place: str) -> Iterator[str]:
    """The head's address; the other node has the resource `there`."""
    address = f"127.0.0.1:{free_port()}"
    rayx("start", "--head", f"--port={address.partition(':')[2]}", STORE, *how, place=place)
    try:
        rayx(
            *("start", f"--redis-address={address}", STORE, '--resources={"there": 1}', *how),
            place=place,
        )
        yield address
    finally:
        rayx("stop", place=place)


def measure(kind: str, count: int) -> dict[str, float]:
    """Bytes a second, by the clock and by the processor."""
    with tempfile.TemporaryDirectory(prefix="w") as place:
        how = ["--insecure"] if kind == "plain" else [f"--key-file={place}/keys/key"]
        with two_nodes(how, place) as address:
            done = subprocess.run(
                [
                    *(sys.executable, "-c", PROGRAM, address, str(count), str(VALUE_BYTES)),
                    *nodes_below(place),
                ],
                capture_output=True,
                text=True,
                env=os.environ | {"RAYX_RUNTIME_DIR": f"{place}/records", "TMPDIR": place},
                check=False,
            )
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    clock, processor = json.loads(done.stdout.splitlines()[-1])
    moved = count * VALUE_BYTES
    return {"clock": moved / clock, "processor": moved / max(processor, 0.01)}


def openssl_rate() -> float:
    """Bytes a second that one processor encrypts, as OpenSSL says."""
    told = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "-bytes", "16384", "-evp", "aes-128-gcm"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = re.search(r"AES-128-GCM\s+([\d.]+)k", told, re.IGNORECASE)
    return 1000 * float(found[1]) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--values", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, list[dict[str, float]]] = {"plain": [], "tls": []}
    loads, ciphers = [], []
    for _ in range(options.rounds):
        for kind, measured in figures.items():
            measured.append(measure(kind, options.values))
        ciphers.append(openssl_rate())
        loads.append(os.getloadavg()[0])
    for by in ("clock", "processor"):
        rates = {
            kind: statistics.median(one[by] for one in measured)
            for kind, measured in figures.items()
        }
        print(
            f"by the {by}: plain {rates['plain'] / 1e9:.2f} GB/s, TLS {rates['tls'] / 1e9:.2f} "
            f"GB/s, {rates['tls'] / rates['plain']:.2f} of it"
        )
    print(f"openssl speed, AES-128-GCM: {statistics.median(ciphers) / 1e9:.2f} GB/s")
    print(f"load: {', '.join(f'{load:.1f}' for load in loads)}")
    if options.json:
        options.json.write_text(json.dumps(figures | {"openssl": ciphers, "load": loads}))


if __name__ == "__main__":
    main()
