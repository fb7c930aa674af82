"""`rayx run` under a real Slurm: its daemons on this machine, in a network of their own.

`make slurm-test` installs Slurm, where Debian has it; without it these tests are skipped.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from hosts import Hosts, refusal
from session_watch import poll_until, read

MISSING = [name for name in ("munged", "slurmctld", "slurmd", "srun") if shutil.which(name) is None]
REFUSAL = refusal() or (f"{', '.join(MISSING)} are not installed" if MISSING else None)
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

NODES = ("n1", "n2", "n3")

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}({address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SlurmctldPort=17000
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/%n.pid
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/%n
NodeName=n[1-3] NodeHostname={host} NodeAddr={address} Port=[17001-17003] CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""

RUN = f"{sys.executable} -m rayx run --object-store-memory=33554432 --"

TELLS = """
import os, sys, time
import rayx
rayx.init()

@rayx.remote(num_cpus=1)
def where():
    time.sleep(0.3)
    return os.environ["SLURMD_NODENAME"]

print("nodes", len(rayx.nodes()), rayx.cluster_resources(), flush=True)
print("ran at", sorted(set(rayx.get([where.remote() for _ in range(24)]))), flush=True)
sys.exit(3)
"""


class Slurm:
    """Three nodes with two CPUs each."""

    def __init__(self, host, place):
        self._host = host
        self.place = place
        self._environment = os.environ | {"SLURM_CONF": str(place / "slurm.conf")}
        self._daemons = []
        for name in ("state", *NODES):
            (place / name).mkdir()
        (place / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=socket.gethostname().partition(".")[0], address=host.address, place=place
            )
        )
        key = place / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        files = [f"--{option}={place}/munge.{end}" for option, end in names.items()]
        self._start("munged", "--foreground", "--force", f"--log-file={place}/munge.log", *files)
        poll_until((place / "munge.socket").exists, 10, "munged serves")
        self._start("slurmctld", "-D", "-i")
        for name in NODES:
            self._start("slurmd", "-D", "-N", name)
        poll_until(self._is_idle, 30, "all nodes are idle")

    def run(self, *argv, exit_code=0):
        ran = subprocess.run(
            self._host.command(argv),
            capture_output=True,
            text=True,
            timeout=50,
            env=self._environment,
            cwd=self.place,
        )
        assert ran.returncode == exit_code, ran.stdout + ran.stderr
        return ran.stdout

    def _start(self, *argv):
        log = open(self.place / f"{argv[0]}.log", "a")  # noqa: SIM115 - it is the daemon's
        with log:
            self._daemons.append(
                self._host.start(argv, env=self._environment, stdout=log, stderr=log)
            )

    def _is_idle(self):
        return self.run("sinfo", "--noheader", "--format=%D %t") == "3 idle\n"

    def stop(self):
        """All jobs are over, and so are the steps' processes."""
        poll_until(self._is_idle, 20, "all jobs are over")
        for daemon in reversed(self._daemons):
            daemon.terminate()
            assert daemon.wait(20) is not None


@pytest.fixture
def slurm(tmp_path):
    with Hosts(1) as (host,):
        slurm = Slurm(host, tmp_path)
        (tmp_path / "program.py").write_text(TELLS)
        yield slurm
        slurm.stop()
        assert list(tmp_path.glob(".rayx-*")) == []


def assert_all_ran(said):
    assert "nodes 3 {'CPU': 6.0}" in said
    assert "ran at ['n1', 'n2', 'n3']" in said


@pytest.mark.slow
def test_a_step_is_a_cluster_and_ends_with_the_program_s_code(slurm):
    program = f"{RUN} {sys.executable} program.py".split()
    assert_all_ran(slurm.run("srun", "--nodes=3", "--cpus-per-task=2", *program, exit_code=3))
    # Without a word on CPUs, a task that is alone has those of its node.
    assert_all_ran(slurm.run("srun", "--nodes=3", "--exclusive", *program, exit_code=3))


def write_job(slurm, command):
    path = slurm.place / "job.sh"
    path.write_text(f"#!/bin/sh\n#SBATCH --nodes=3 --ntasks=3 --cpus-per-task=2\n{command}\n")
    return f"{path}"


@pytest.mark.slow
def test_a_batch_job(slurm):
    job = write_job(slurm, f"srun {RUN} {sys.executable} program.py\necho ended with $?")
    slurm.run("sbatch", "--wait", "--output=said", job)
    said = read(f"{slurm.place}/said")
    assert_all_ran(said)
    assert "ended with 3" in said


@pytest.mark.slow
def test_a_job_that_is_cancelled_leaves_nothing(slurm):
    (slurm.place / "program.py").write_text(
        "import rayx, signal\nrayx.init()\nopen('ready', 'w').close()\nsignal.pause()\n"
    )
    job = write_job(slurm, f"exec srun {RUN} {sys.executable} program.py")
    number = re.search(r"job (\d+)", slurm.run("sbatch", "--output=said", job))[1]
    poll_until((slurm.place / "ready").exists, 30, "the program runs")
    slurm.run("scancel", f"--signal={signal.SIGTERM.name.removeprefix('SIG')}", number)
    poll_until(lambda: slurm.run("squeue", "--noheader") == "", 30, "the job is over")
