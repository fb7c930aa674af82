"""Ctrl-C in a program that goes on: what is under way, and how it is stopped."""

import pytest

import rayx

PROGRAM = """
import sys, threading, time
import rayx
sys.ps1 = ">>> "  # as an interactive Python or a notebook has
rayx.init(num_cpus=2)

@rayx.remote
def slow(x):
    time.sleep(60)  # task work

@rayx.remote
def ready():
    return 1

@rayx.remote
class Actor:
    def slow(self):
        time.sleep(60)  # task work
    def ready(self):
        return "alive"

def tell_of_wait():
    # The main thread waits: it has been at the same place for a while.
    main, places = threading.main_thread().ident, []
    while len(places) < 5 or len(set(places[-5:])) > 1:
        time.sleep(0.04)  # task work
        frame = sys._current_frames()[main]
        places.append((id(frame), frame.f_lasti))
    print("waits", flush=True)

{start}
try:
    threading.Thread(target=tell_of_wait).start()
    {wait}
except KeyboardInterrupt:
    print("interrupted", flush=True)
began = time.monotonic()
{stop}
print(rayx.get(ready.remote(), timeout=20), time.monotonic() - began < 10)
"""


def interrupt(start_program, **parts):
    program = start_program(PROGRAM.format(**{"start": "", "stop": "", **parts}))
    assert program.line() == "waits"
    program.interrupt()
    assert program.line() == "interrupted"
    return program.finish()


def test_after_get_a_hint_tells_how_many_go_on(start_program):
    out, err = interrupt(
        start_program,
        start="ids = [slow.remote(x) for x in range(10)]",
        wait="rayx.get(ids)",
        stop="print(rayx.cancel_all())\n"
        "print([isinstance(id.exception(), rayx.TaskCancelledError)\n"
        "       for id in rayx.wait(ids, 10, timeout_s=20)[0]])",
    )
    assert "rayx: interrupted, but 10 tasks of this driver go on. rayx.cancel_all() stops" in err
    assert out.splitlines() == ["10", str([True] * 10), "1 True"]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "wait",
    [
        "list(rayx.map(slow, range(10)))",
        "list(rayx.map(slow, range(10), ordered=False))",
        "rayx.progress([slow.remote(x) for x in range(10)])",
    ],
)
def test_map_and_progress_cancel_what_they_have_started(start_program, wait):
    out, err = interrupt(start_program, wait=wait)
    assert out == "1 True\n"
    assert "go on" not in err or "rayx.cancel_all() stops" in err


def test_calls_of_actors_stop_and_actors_stay(start_program):
    out, _ = interrupt(
        start_program,
        start="actor = Actor.options(num_cpus=0).remote()\n"
        "ids = [actor.slow.remote(), actor.slow.remote()]",
        wait="rayx.get(ids + [actor.ready.remote()])",
        stop="print(rayx.cancel_all(), rayx.get(actor.ready.remote(), timeout=20))",
    )
    assert out.splitlines() == ["3 alive", "1 True"]


def test_many_queued_tasks_go_at_once(rayx_session):
    @rayx.remote
    def work(x):
        return x

    @rayx.remote
    def forever():
        while True:
            pass

    blockers = [forever.remote() for _ in range(2)]
    ids = [work.remote(blockers[0]) for _ in range(5_000)] + [forever.remote()] * 2
    assert rayx.cancel_all() == 5_003
    assert len(rayx.wait(ids[:5_000], num_returns=5_000, timeout_s=20)[0]) == 5_000
    with pytest.raises(rayx.TaskCancelledError):
        rayx.get(blockers[0], timeout=20)
    assert rayx.get(work.remote(1), timeout=20) == 1
