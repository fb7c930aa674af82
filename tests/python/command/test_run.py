"""What the command makes of its options; runs with real nodes: tests/e2e/test_run.py."""

import os
import sys
from argparse import Namespace

import pytest

import rayx
from rayx.command import main as command
from rayx.command import run
from rayx.records import host_port
from rayx.runs.host_file import Machine
from rayx.runs.ranks import Rank


@pytest.fixture
def quiet(monkeypatch):
    """No launcher has started this process."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)


def typed(*arguments):
    return command._parser().parse_args(["run", *arguments])


def test_all_behind_the_hyphens_is_the_program(quiet, monkeypatch):
    seen = []
    monkeypatch.setattr(run, "_run_here", lambda options, *_: seen.append(options) or 0)
    assert run.run(typed("--nodes", "2", "--", "python", "x.py", "--nodes", "3")) == 0
    assert run.run(typed("python", "x.py", "--", "y")) == 0
    assert [one.program for one in seen] == [
        ["python", "x.py", "--nodes", "3"],
        ["python", "x.py", "--", "y"],
    ]
    assert [one.nodes for one in seen] == ["2", None]


def test_a_launcher_says_how_many(quiet, monkeypatch):
    rank = Rank(0, 4, "slurm-1.0")
    monkeypatch.setattr(run.Rank, "of", lambda environment: rank)
    with pytest.raises(ValueError, match="srun, which has started 4 tasks"):
        run.run(typed("--nodes", "2", "--", "true"))


def test_what_nodes_share_of_a_machine(quiet, monkeypatch):
    monkeypatch.setattr(run.machine, "cpu_count", lambda: 8)
    options = typed("--", "true")
    checked = run._checked(options, "127.0.0.1")
    shared = run._shared(options, checked, 4)
    assert (shared.num_cpus, shared.num_workers) == (2.0, 2)
    assert shared.object_store_bytes == checked.object_store_bytes // 4
    told = typed("--num-cpus=3", "--object-store-memory=99999999", "--", "true")
    shared = run._shared(told, run._checked(told, "127.0.0.1"), 4)
    assert (shared.num_cpus, shared.object_store_bytes) == (3.0, 99999999)


def test_what_is_run_on_another_machine(quiet):
    options = typed("--num-gpus=2", '--resources={"a b": 1}', "--hosts=f", "--", "true")
    member = run._MemberCommand(options, "192.0.2.7:6379")
    line = member.line(Machine("me@big", 16))
    assert line == (
        f"exec {sys.executable} -m rayx run --member=192.0.2.7:6379 --num-cpus=16 --num-gpus=2 "
        "'--resources={\"a b\": 1}' --wait=2m"
    )
    options.python, options.num_cpus = "/opt/python", "4"
    assert member.line(Machine("big", 16)).startswith("exec /opt/python -m rayx run ")
    assert "--num-cpus=4 " in member.line(Machine("big", 16))


def test_the_cpus_of_a_launcher(quiet):
    options = typed("--", "true")
    checked = run._checked(options, "127.0.0.1")
    assert run._with_cpus(options, checked, None) == checked
    given = run._with_cpus(options, checked, 3)
    assert (given.num_cpus, given.num_workers) == (3.0, 3)
    options.num_cpus = "1"
    assert run._with_cpus(options, checked, 3) == checked


def test_the_address_is_that_on_the_way_to_the_others(quiet, monkeypatch):
    ways = {"192.0.2.8": "192.0.2.7", "127.0.0.1": "127.0.0.1"}
    monkeypatch.setattr(host_port, "own_address_towards", ways.__getitem__)
    monkeypatch.setattr(run.machine, "addresses", lambda: ["127.0.0.1", "::1", "198.51.100.7"])
    assert run._address_for([Machine("192.0.2.8")]) == "192.0.2.7"
    assert run._address_for([]) == "127.0.0.1"
    assert run._address_for([Machine("known-to-ssh.invalid")]) == "198.51.100.7"
    assert run._address_of(Rank(0, 2, "x", "192.0.2.8")) == "192.0.2.7"
    # A launcher that believes to be at loopback is no help to others.
    assert run._address_of(Rank(0, 2, "x", "127.0.0.1")) == "198.51.100.7"


@pytest.mark.parametrize("said", ["", "rayx-key-1-00\n"])
def test_a_member_without_a_key(quiet, monkeypatch, said):
    reader, writer = os.pipe()
    os.write(writer, said.encode())
    os.close(writer)
    kept = os.dup(0)
    os.dup2(reader, 0)
    try:
        with pytest.raises(ValueError, match="standard input has no key of a cluster"):
            run.run(typed("--member=192.0.2.7:6379"))
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reader)


def test_a_member_of_nothing(quiet):
    with pytest.raises(ValueError, match="--member='here' is no HOST:PORT"):
        run._serve_as_member(Namespace(member="here"), 0.0)


def test_nobody_to_join(quiet, monkeypatch, tmp_path):
    monkeypatch.setattr(run.Rank, "of", lambda environment: Rank(1, 2, "slurm-1.0"))
    with pytest.raises(rayx.StartError, match="no cluster to join after 0.2: the task with rank 0"):
        run.run(typed("--wait=0.2", f"--rendezvous={tmp_path}", "--", "true"))
