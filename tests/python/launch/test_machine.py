import os

import pytest

from rayx.launch import machine


@pytest.fixture
def files(tmp_path):
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write("proc/meminfo", "MemFree: 5 kB\nMemTotal:       8000000 kB\n")
    return proc, cgroups, write


def test_of_this_machine():
    assert 1 <= machine.cpu_count() <= (os.cpu_count() or 1)
    assert machine.memory_bytes() > 1 << 20


def test_without_a_cgroup(files):
    proc, cgroups, _ = files
    assert machine.memory_bytes(proc, cgroups) == 8_000_000 * 1024


def test_version_2_and_the_groups_above(files):
    proc, cgroups, write = files
    write("proc/self/cgroup", "0::/outer/inner\n")
    write("cgroup/outer/inner/memory.max", "max\n")
    write("cgroup/outer/memory.max", "1000000\n")
    write("cgroup/outer/inner/cpu.max", "50000 100000\n")
    write("cgroup/outer/cpu.max", "max 100000\n")
    assert machine.memory_bytes(proc, cgroups) == 1_000_000
    assert machine.cpu_count(proc, cgroups) == 1


def test_version_1(files):
    proc, cgroups, write = files
    write("proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/\n")
    write("cgroup/memory/job/memory.limit_in_bytes", "2000000\n")
    write("cgroup/cpu/job/cpu.cfs_quota_us", "-1\n")
    write("cgroup/cpu/job/cpu.cfs_period_us", "100000\n")
    assert machine.memory_bytes(proc, cgroups) == 2_000_000
    assert machine.cpu_count(proc, cgroups) == machine.cpu_count(proc / "none", cgroups)
    write("cgroup/cpu/job/cpu.cfs_quota_us", "20000\n")
    assert machine.cpu_count(proc, cgroups) == 1


def test_of_a_quota_one_cpu_is_not_kept_busy(files, monkeypatch):
    proc, cgroups, write = files
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert machine.busy_cpu_count(proc, cgroups) == 8
    write("proc/self/cgroup", "0::/job\n")
    for quota, expected in [(350_000, 2), (200_000, 1), (100_000, 0), (20_000, 0)]:
        write("cgroup/job/cpu.max", f"{quota} 100000\n")
        assert machine.busy_cpu_count(proc, cgroups) == expected
    write("cgroup/job/cpu.max", "max 100000\n")
    assert machine.busy_cpu_count(proc, cgroups) == 8


def test_affinity(files, monkeypatch):
    proc, cgroups, _ = files
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert machine.cpu_count(proc, cgroups) == 1


def test_nonsense_is_no_limit(files):
    proc, cgroups, write = files
    write("proc/self/cgroup", "nonsense\n0::/../..\n")
    write("cgroup/memory.max", "many\n")
    write("cgroup/cpu.max", "a b\n")
    assert machine.memory_bytes(proc, cgroups) == 8_000_000 * 1024


def test_gpu_names(tmp_path):
    proc, devices = tmp_path / "proc", tmp_path / "dev"
    devices.mkdir()
    assert machine.gpu_names(proc, devices) == []
    for name in ("nvidia1", "nvidia0", "nvidiactl", "null"):
        (devices / name).touch()
    assert machine.gpu_names(proc, devices) == ["nvidia0", "nvidia1"]
    for number, model in enumerate(["NVIDIA A100", "NVIDIA H100"]):
        directory = proc / "driver/nvidia/gpus" / f"0000:0{number}:00.0"
        directory.mkdir(parents=True)
        (directory / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 5\n")
    assert machine.gpu_names(proc, devices) == ["NVIDIA A100", "NVIDIA H100"]
