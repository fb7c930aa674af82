"""Finalizers that use rayx: garbage is collected anywhere, so in the midst of its calls too."""

import pytest

PROGRAM = """
import gc
import sys
import threading

import rayx


@rayx.remote
def f(x):
    return x


class Counter:
    def __init__(self):
        self.calls = 0

    def add(self):
        self.calls += 1
        return self.calls


def use(kind, waits):
    if kind == "future":
        future = rayx.put(1).future()
        if waits:  # for another thread, which may be the one that the finalizer is in
            future.result()
    elif kind == "cancelled_future":
        rayx.put(1).future().cancel()
    elif kind == "put":
        rayx.get(rayx.put([1]))
    elif kind == "task":
        rayx.get(f.remote([1]))
    elif kind == "actor":
        called = counter.add.remote()
        if waits:  # in PYTHON_MODE, the finalizer may be in a call of the actor
            rayx.get(called)
    elif kind == "completed":
        list(rayx.as_completed([rayx.put(1), rayx.put(2)]))
    elif kind == "new":
        rayx.get(rayx.remote(lambda: 1).remote())
    elif kind == "waits":
        rayx.wait([rayx.put(1)])


class Finalized:
    count = 0
    under_way = threading.Lock()  # one at a time, of all threads

    def __init__(self, kind):
        self.kind = kind
        self.itself = self

    def __del__(self):
        if Finalized.under_way.acquire(blocking=False):
            gc.disable()
            try:
                use(self.kind, waits=False)
                Finalized.count += 1
            finally:
                gc.enable()
                Finalized.under_way.release()


if __name__ == "__main__":
    rayx.init(num_cpus=2, driver_mode=getattr(rayx, sys.argv[1]))
    counter = rayx.remote(Counter).remote()
    gc.freeze()  # so that collecting takes little time
    for outer in sys.argv[2:]:
        for inner in (outer, "future", "put"):
            for allocations in range(1, 50):
                # Garbage is collected when so many more objects have been made than were let go.
                gc.collect()
                gc.set_threshold(allocations)
                Finalized(inner)
                use(outer, waits=True)
                use(outer, waits=True)
    Finalized.under_way.acquire()  # ends the last one, and begins no other while the program ends
    print("done", Finalized.count > 100)
"""


@pytest.mark.time_limit(45)
@pytest.mark.parametrize("mode", ["SILENT_MODE", "PYTHON_MODE"])
def test_no_lock_is_met_a_second_time(run_program, mode):
    kinds = ("future", "cancelled_future", "put", "task", "actor", "completed", "new", "waits")
    out, err = run_program(PROGRAM, mode, *kinds)
    assert out == "done True\n", err
    assert not err
