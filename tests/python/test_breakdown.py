"""benchmarks/breakdown.py: what it makes of samples and of /proc, and a short run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import breakdown  # noqa: E402
from profiling import samples  # noqa: E402
from profiling.samples import Frame, Sample  # noqa: E402
from profiling.usage import Usage, node_of  # noqa: E402

KERNEL = "[kernel.kallsyms]"
PYTHON = "/lib/libpython3.11.so.1.0"
NAMES = {41: "driver", 42: "node"}

SCRIPT = """\
 41
\t            7f08 _PyEval_EvalFrameDefault+0x12 (/lib/libpython3.11.so.1.0)
\t            7f09 work;er ([unknown])

 42
\t        55d0 rayx::scheduler::EndTask(rayx::State&, bool) (/bin/rayx-node (deleted))

 42
\tffffffff8165a2c1 kfree ([kernel.kallsyms])
\tffffffff81f0c2b4 unix_stream_sendmsg ([kernel.kallsyms])
\t            7f10 sendmsg (/lib/libc.so.6)

 42

 43
\tffffffff813b7d42 finish_task_switch.isra.0 ([kernel.kallsyms])
"""

# ---- samples -------------------------------------------------------------------------------------


def test_samples_are_read():
    assert list(samples.parse(SCRIPT)) == [
        Sample(41, (Frame("_PyEval_EvalFrameDefault", PYTHON), Frame("work;er", "[unknown]"))),
        Sample(
            42, (Frame("rayx::scheduler::EndTask(rayx::State&, bool)", "/bin/rayx-node (deleted)"),)
        ),
        Sample(
            42,
            (
                Frame("kfree", KERNEL),
                Frame("unix_stream_sendmsg", KERNEL),
                Frame("sendmsg", "/lib/libc.so.6"),
            ),
        ),
        Sample(43, (Frame("finish_task_switch.isra.0", KERNEL),)),
    ]
    assert list(samples.parse("")) == []


def test_stacks_are_folded():
    assert samples.fold([*samples.parse(SCRIPT)] * 2, NAMES) == [
        "driver;work:er;_PyEval_EvalFrameDefault 2",
        "node;rayx::scheduler::EndTask(rayx::State&, bool) 2",
        "node;sendmsg;unix_stream_sendmsg;kfree 2",
        "other;finish_task_switch.isra.0 2",
    ]


@pytest.mark.parametrize(
    ("symbol", "file", "layer"),
    [
        ("anything", PYTHON, "Python"),
        ("save", "/lib/_pickle.cpython-311.so", "pickle"),
        ("rayx::NodeLink::Send", "/x/_raylet_library.cpython-311.so", "rayx client"),
        ("malloc", "/lib/libc.so.6", "C library"),
        ("__vdso_clock_gettime", "[vdso]", "C library"),
        ("try_to_wake_up", KERNEL, "kernel: waking and switching"),
        ("unix_stream_recvmsg", KERNEL, "kernel: sockets"),
        ("do_syscall_64", KERNEL, "kernel: other"),
        ("rayx::plasma::ObjectStore::Get", "/x/rayx-node", "plasma"),
        ("asio::detail::scheduler::run", "/x/rayx-node", "asio"),
        ("rayx::daemon::NodeDaemon::OnTurn", "/x/rayx-node (deleted)", "daemon"),
        ("f", "/x/libnumpy.so", "other"),
        ("[unknown]", "[unknown]", "other"),
    ],
)
def test_layers(symbol, file, layer):
    assert samples.layer_of((Frame(symbol, file),)) == layer


def test_what_all_of_the_kernel_uses_counts_for_the_part_that_used_it():
    lock = Frame("_raw_spin_unlock_irqrestore", KERNEL)
    wakes, sends = Frame("try_to_wake_up", KERNEL), Frame("unix_stream_sendmsg", KERNEL)
    assert samples.layer_of((lock, wakes, sends)) == "kernel: waking and switching"
    assert samples.layer_of((lock, sends)) == "kernel: sockets"
    readable = Frame("sock_def_readable", KERNEL)
    assert samples.layer_of((lock, readable, sends)) == "kernel: waking and switching"
    assert samples.layer_of((lock, Frame("sendmsg", "/lib/libc.so.6"))) == "kernel: other"


def test_shares():
    found = samples.shares(samples.parse(SCRIPT), NAMES)
    assert found["driver"] == {"Python": 1.0}
    assert found["node"] == {"scheduler": 0.5, "kernel: sockets": 0.5}
    assert found["other"] == {"kernel: waking and switching": 1.0}


def test_a_perf_that_fails_says_why(tmp_path, monkeypatch):
    perf = tmp_path / "perf"
    perf.write_text("#!/bin/sh\necho Not permitted >&2\nexit 255\n")
    perf.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    samples.samples_the_machine.cache_clear()
    try:
        assert samples.can_sample()
        assert not samples.samples_the_machine()
        with pytest.raises(SystemExit, match="perf failed: Not permitted"):
            samples.Sampler(tmp_path / "samples", [os.getpid()], 0.01).samples()
    finally:
        samples.samples_the_machine.cache_clear()


# ---- /proc ---------------------------------------------------------------------------------------


def test_usage():
    before = Usage.of([os.getpid()])
    sum(range(300_000))
    after = Usage.of([os.getpid()])
    used = after.since(before, 2)
    assert used.run_us == pytest.approx((after.run_us - before.run_us) / 2)
    assert used.run_us > 0


def test_both_kinds_of_switches_and_all_threads_count():
    usage = Usage()
    for _ in range(2):
        usage._add("3000 2000 7\n", "voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t2\n")
    assert usage == Usage(6.0, 4.0, 14)


def test_a_supervisor_without_a_node():
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            with pytest.raises(SystemExit, match="has no node"):
                node_of(process.pid)
        finally:
            process.kill()


# ---- the command ---------------------------------------------------------------------------------


def test_a_path_without_perf(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = breakdown.measure("put", 0.05, None)
    assert found.calls >= breakdown.KEPT
    assert set(found.usage) == {"driver", "node", "workers"}
    assert (found.layers, found.sampled_us) == ({}, 0.0)
    assert breakdown.table([found]).count("\n") == 4


def test_microseconds_are_divided_among_layers():
    usage = {"driver": Usage(80.0, 5.0, 1.5), "node": Usage(0.04, 0.0, 0.0)}
    layers = {"driver": {"Python": 0.75, "other": 0.23, "pickle": 0.02}, "node": {"asio": 1.0}}
    found = breakdown.Breakdown("sync", 10, 100.0, usage, layers, 107.0, (100.0, 100.0))
    driver, node = breakdown.table([found]).splitlines()[2:]
    assert driver == (
        "| sync | 100.0 µs | driver | 80.0 µs | 5.0 µs | 1.50 | Python 60.0, other 18.4 |"
    )
    assert node == "|  |  | node | 0.0 µs | 0.0 µs | 0.00 |  |"
    assert "longer by up to 7% (sync)" in breakdown.report([found], "how")


def test_the_round_in_the_middle_is_told():
    rounds = [
        breakdown.Breakdown("get", calls, us, {"driver": Usage(us)}, {}, 0.0, (us, us))
        for calls, us in ((1, 9.0), (2, 3.0), (3, 4.0), (4, 5.0))
    ]
    found = breakdown.middle(rounds)
    assert (found.calls, found.us, found.range_us) == (3, 4.0, (3.0, 9.0))
    assert breakdown.table([found]).splitlines()[2].startswith("| get | 4.0 µs [3.0..9.0] |")
    assert breakdown.middle(rounds[:1]) == rounds[0]


def test_paths_that_there_are_not(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["breakdown.py", "nowhere"])
    with pytest.raises(SystemExit):
        breakdown.main()
    assert "there is no path 'nowhere'; choose from sync, burst" in capsys.readouterr().err


def test_stacks_that_nobody_can_take(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["breakdown.py", "put", "--folded", "stacks.txt"])
    with pytest.raises(SystemExit):
        breakdown.main()
    assert "wants perf (Debian's linux-perf)" in capsys.readouterr().err
