"""Who waits for what nothing works on is told so; who waits for what runs is not."""

import pytest

START = """
import asyncio, re, sys, time
import rayx
from rayx import _raylet
from rayx.results import completion
from rayx.waiting import patience

def be_impatient():
    completion.FIRST_LOOK_MS = patience.FIRST_LOOK_MS = 300
    _raylet.set_long_wait_hook(patience.look, 300)

rayx.init(num_cpus=2)

@rayx.remote(num_cpus=1)
class Holder:
    def pid(self):
        import os
        return os.getpid()
    def call(self, handle):
        return rayx.get(handle.pid.remote(), timeout=3)

@rayx.remote
def f():
    return 1

@rayx.remote
def slow(after=None):
    time.sleep(1.5)  # task work
    return 2
"""

HOLD = """
actors = [Holder.remote() for _ in range(2)]
print(rayx.get([actor.pid.remote() for actor in actors]), flush=True)
be_impatient()
"""

WAITS = {
    "get": "rayx.get(f.remote(), timeout=2)",
    "get of what depends on it": "rayx.get([slow.remote(f.remote())], timeout=2)",
    "wait": "rayx.wait([f.remote(), f.remote()], timeout_s=2)",
    "as_completed": "list(rayx.as_completed([f.remote()], timeout=2))",
    "progress": "rayx.progress([f.remote()], timeout=2)",
    "future": "f.remote().future().result(timeout=2)",
    "await": "asyncio.run(asyncio.wait([f.remote()], timeout=2))",
    "stream": "threading.Timer(2, rayx.shutdown).start(); next(stream.remote())",
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_for_what_actors_hold_says_who_they_are(run_program, wait):
    source = f"""{START}{HOLD}
import threading
stream = rayx.remote(num_return_vals="stream")(lambda: iter([1]))
for _ in range(2):
    try:
        {WAITS[wait]}
    except Exception as error:
        print(type(error).__name__)
    if {wait == "stream"}:
        break
"""
    out, err = run_program(source)
    first, second = out.splitlines()[0].strip("[]").split(", ")
    told = [line for line in err.splitlines() if line.startswith("rayx: no progress")]
    assert len(told) == 1, out + err
    pids = f"(pid {first}, pid {second})"
    assert f" needs 1 CPU, 0 of 2 free: held by actors Holder {pids}. 1 task is queued" in (
        told[0]
        .replace("2 tasks are queued", "1 task is queued")
        .replace(f"(pid {second}, pid {first})", pids)
    )
    assert "end one with rayx.kill" in told[0]


def test_ten_seconds_are_long_unless_a_program_changes_that(run_program):
    out, err = run_program(f"""{START}
holders = [Holder.remote() for _ in range(2)]
rayx.get([holder.pid.remote() for holder in holders])
began = time.monotonic()
rayx.wait([f.remote()], timeout_s=12)
print(time.monotonic() - began)
""")
    assert "rayx: no progress for 10 s: f needs 1 CPU, 0 of 2 free: held by actors Holder" in err
    assert float(out) > 11.9


def test_a_time_out_says_it_too(run_program):
    out, _ = run_program(f"""{START}{HOLD}
try:
    rayx.get(f.remote(), timeout=0.2)
except rayx.GetTimeoutError as error:
    print(error)
""")
    assert "needs 1 CPU, 0 of 2 free: held by actors Holder (pid " in out


def test_a_task_that_waits_says_it_in_its_output(run_program):
    _, err = run_program(f"""{START}
holder = Holder.remote()
rayx.get(holder.pid.remote())

@rayx.remote
def outer():
    be_impatient()
    rayx.get(f.options(num_cpus=2).remote(), timeout=3)

try:
    rayx.get(outer.remote(), timeout=20)
except rayx.GetTimeoutError:
    pass
""")
    told = [line for line in err.splitlines() if "no progress" in line]
    assert any("(outer pid=" in line and " rayx: no progress" in line for line in told), err
    assert any("f needs 2 CPU, 1 of 2 free: held by actor Holder (pid " in line for line in told)


def test_what_runs_is_waited_for_in_silence(run_program):
    _, err = run_program(f"""{START}
rayx.get([slow.remote(), slow.remote()])
be_impatient()
rayx.get([slow.remote(), slow.remote()])
rayx.get(slow.remote())
""")
    assert err == ""


@pytest.mark.parametrize("off", ["init", "environment"])
def test_hints_are_switched_off(run_program, monkeypatch, off):
    source = f"{START}{HOLD}" + "rayx.wait([f.remote()], timeout_s=2)"
    if off == "init":
        source = source.replace("num_cpus=2)", "num_cpus=2, hints=False)", 1)
    else:
        monkeypatch.setenv("RAYX_HINTS", "0")
    assert run_program(source)[1] == ""
