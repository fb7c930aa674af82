"""benchmarks/breakdown.py: what it makes of samples, and a short run."""

import os
import shutil
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import breakdown  # noqa: E402

SCRIPT = """\
 41             7f08 _PyEval_EvalFrameDefault+0x12 (/lib/libpython3.11.so.1.0)
 42         55d0 rayx::scheduler::EndTask(rayx::State&, bool) (/bin/rayx-node)
 42     ffffffff81 unix_stream_sendmsg ([kernel.kallsyms])
 43     ffffffff82 finish_task_switch.isra.0 ([kernel.kallsyms])
"""

STACKS = """\
 41
            7f08 work;er
            7f09 main

 41
            7f08 work;er
            7f09 main

 44
            1000 [unknown]

"""


def test_samples():
    assert list(breakdown.parse_samples(SCRIPT)) == [
        (41, "_PyEval_EvalFrameDefault", "/lib/libpython3.11.so.1.0"),
        (42, "rayx::scheduler::EndTask(rayx::State&, bool)", "/bin/rayx-node"),
        (42, "unix_stream_sendmsg", "[kernel.kallsyms]"),
        (43, "finish_task_switch.isra.0", "[kernel.kallsyms]"),
    ]
    assert list(breakdown.parse_samples("")) == []


def test_stacks_are_folded():
    assert breakdown.fold(STACKS, {41: "driver"}) == [
        "driver;main;work:er 2",
        "other;[unknown] 1",
    ]


@pytest.mark.parametrize(
    ("symbol", "file", "layer"),
    [
        ("anything", "/lib/libpython3.11.so.1.0", "Python"),
        ("save", "/lib/_pickle.cpython-311.so", "pickle"),
        ("rayx::NodeLink::Send", "/x/_raylet.cpython-311-x86_64-linux-gnu.so", "rayx client"),
        ("malloc", "/lib/libc.so.6", "C library"),
        ("try_to_wake_up", "[kernel.kallsyms]", "kernel: waking and switching"),
        ("unix_stream_recvmsg", "[kernel.kallsyms]", "kernel: sockets"),
        ("do_syscall_64", "[kernel.kallsyms]", "kernel: other"),
        ("rayx::plasma::ObjectStore::Get", "/x/rayx-node", "plasma"),
        ("asio::detail::scheduler::run", "/x/rayx-node", "asio"),
        ("rayx::daemon::NodeDaemon::OnTurn", "/x/rayx-node", "daemon"),
        ("f", "/x/libnumpy.so", "other"),
    ],
)
def test_layers(symbol, file, layer):
    assert breakdown.layer_of(symbol, file) == layer


def test_shares():
    names = {41: "driver", 42: "node"}
    found = breakdown.shares(breakdown.parse_samples(SCRIPT), names)
    assert found["driver"] == {"Python": 1.0}
    assert found["node"] == {"scheduler": 0.5, "kernel: sockets": 0.5}
    assert found["other"] == {"kernel: waking and switching": 1.0}


def test_usage():
    before = breakdown.Usage.of([os.getpid()])
    sum(range(300_000))
    after = breakdown.Usage.of([os.getpid()])
    used = after.since(before, 2)
    assert used.run_us == pytest.approx((after.run_us - before.run_us) / 2)
    assert used.run_us > 0


def test_a_path_without_perf(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = breakdown.measure("put", 0.05, None)
    assert found.calls >= breakdown.KEPT
    assert set(found.usage) == {"driver", "node", "workers"}
    assert found.layers == {}
    assert breakdown.table([found]).count("\n") == 4


def test_paths_that_there_are_not(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["breakdown.py", "nowhere"])
    with pytest.raises(SystemExit):
        breakdown.main()
    assert "there is no path 'nowhere'; choose from sync, burst" in capsys.readouterr().err
