"""Nobody is let in: each S of the checklist that concerns one machine, with its number in the name.

Another user is uid 65534. Who is not root cannot become another user: then, and only then, the
tests that need one are left out.
"""

import glob
import os
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest
from other_user import as_root, error_number, run_as_nobody
from session_watch import descendants, link, open_files, poll_until, read, session_pids

import rayx


@rayx.remote
def add_one(x):
    return x + 1


@rayx.remote
def length(value):
    return len(value)


def paths_below(directory):
    yield directory
    for place, directories, files in os.walk(directory):
        for name in directories + files:
            yield os.path.join(place, name)


# ---- S1, S2, S5: the network ---------------------------------------------------------------------


def network_sockets(pids):
    """TCP and UDP sockets that these processes have open."""
    inodes = {}
    for table in ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6"):
        for line in read(f"/proc/net/{table}").splitlines()[1:]:
            inodes[f"socket:[{line.split()[9]}]"] = f"{table} {line.split()[1]}"
    return [
        (pid, inodes[target])
        for pid in pids
        for target in open_files(pid).values()
        if target in inodes
    ]


def test_S1_no_tcp_or_udp(rayx_session):
    before = network_sockets([os.getpid()])
    for sample in range(10):
        results = [add_one.remote(number) for number in range(100)]
        stored = rayx.put(bytes(10**6))
        assert network_sockets(session_pids(rayx_session)) == before, f"sample {sample}"
        assert rayx.get(results) == list(range(1, 101))
        assert rayx.get(length.remote(stored)) == 10**6


def test_S1_is_able_to_see_one(rayx_session):
    """That the test above can fail."""

    @rayx.remote
    def listen():
        import builtins

        builtins.kept = socket.create_server(("127.0.0.1", 0))
        return os.getpid()

    pid = rayx.get(listen.remote())
    assert [found[0] for found in network_sockets(session_pids(rayx_session))] == [pid]


SMOKE = """
routes = open("/proc/net/route").readlines()[1:]

@rayx.remote
def nested(n):
    return sum(rayx.get([square.remote(i) for i in range(n)]))

@rayx.remote
def square(x):
    return x * x

import socket
try:
    socket.create_connection(("127.0.0.1", 9), 1)
except OSError as error:
    tell(network=error.strerror, routes=len(routes))
init()
assert rayx.get(nested.remote(5)) == 30
assert rayx.get(rayx.put(bytearray(10**6))) == bytearray(10**6)
rayx.shutdown()
tell(works=True)
"""


def test_S2_works_without_network(start_driver):
    """In a network name space of its own, where even the loopback is down."""
    before = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    driver = start_driver(SMOKE, before=before)
    assert driver.fact("network") == "Network is unreachable"
    assert driver.fact("routes") == 0
    assert driver.fact("works")
    assert driver.wait() == 0, driver.output()


def test_S5_no_abstract_sockets(rayx_session):
    rayx.get(add_one.remote(1))
    abstract = {}
    for line in read("/proc/net/unix").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[7].startswith("@"):
            abstract[f"socket:[{fields[6]}]"] = fields[7]
    for pid in session_pids(rayx_session):
        found = [abstract[target] for target in open_files(pid).values() if target in abstract]
        assert not found, read(f"/proc/{pid}/cmdline")


# ---- S3, S4, S7: other users ---------------------------------------------------------------------


def try_directory(directory, names):
    """What the calls of an attacker give."""
    errors = {
        "list": error_number(os.listdir, directory),
        "enter": error_number(os.chdir, directory),
        "create": error_number(open, f"{directory}/new", "w"),
        "mkdir": error_number(os.mkdir, f"{directory}/new"),
        "chmod": error_number(os.chmod, directory, 0o777),
        "rename": error_number(os.rename, directory, f"{directory}2"),
    }
    for name in names:
        errors |= {
            f"stat {name}": error_number(os.stat, name),
            f"read {name}": error_number(open, name),
            f"write {name}": error_number(open, name, "a"),
            f"rename {name}": error_number(os.rename, name, f"{name}2"),
            f"unlink {name}": error_number(os.unlink, name),
            f"link {name}": error_number(os.link, name, f"{directory}-link"),
        }
    return errors


EACCES, EPERM = 13, 1


def assert_closed_to_others(addresses):
    directory = addresses["session_dir"]
    names = [path for path in paths_below(directory) if path != directory]
    assert len(names) >= 8
    errors = run_as_nobody(try_directory, directory, names)
    assert len(errors) == 6 + 6 * len(names)
    # Of the directory itself: not the owner's, in a place where only owners may rename.
    assert {errors.pop("chmod"), errors.pop("rename")} <= {EPERM, EACCES}
    assert {what: error for what, error in errors.items() if error != EACCES} == {}


@as_root
def test_S3_session_dir_private(open_place, rayx_session):
    assert_closed_to_others(rayx_session)
    # That it is not the tests' place which keeps them out:
    assert run_as_nobody(os.listdir, os.environ["TMPDIR"])


def connect(*paths):
    """For each: refused with a number, or closed after so many bytes."""
    found = {}
    for path in paths:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            refused = error_number(peer.connect, path)
            if refused:
                found[path] = ("refused", refused)
                continue
            try:
                found[path] = ("closed", len(peer.recv(100)))
            except ConnectionResetError:
                found[path] = ("closed", 0)
    return found


def listening_sockets(addresses):
    """Learned as an attacker would."""
    lines = read("/proc/net/unix").splitlines()
    paths = {line.split()[-1] for line in lines if addresses["session_dir"] in line}
    return sorted(paths)


@as_root
def test_S4_sockets_private(open_place, rayx_session):
    rayx.get(add_one.remote(1))
    paths = poll_until(
        lambda: len(found := listening_sockets(rayx_session)) >= 2 and found, 5, "all sockets"
    )
    assert set(paths) == {rayx_session["node_socket"], *rayx_session["redis_sockets"]}
    refused = dict.fromkeys(paths, ("refused", EACCES))
    assert run_as_nobody(connect, *paths) == refused
    # Even if the directories, and the sockets themselves, are opened by hand.
    for path in paths:
        os.chmod(os.path.dirname(path), 0o777)
    assert run_as_nobody(connect, *paths) == refused
    node_socket = rayx_session["node_socket"]
    os.chmod(node_socket, 0o777)
    assert run_as_nobody(connect, node_socket) == {node_socket: ("closed", 0)}
    log = read(f"{rayx_session['session_dir']}/logs/node.log")
    assert log.count("another user") == 1
    assert rayx.get(add_one.remote(1)) == 2


@pytest.mark.parametrize("umask", [0, 0o777], ids=oct)
def test_S7_umask(open_place, umask):
    before = os.umask(umask)
    try:
        with rayx.init(num_cpus=2, redirect_output=False) as addresses:
            assert rayx.get(add_one.remote(1)) == 2
            assert rayx.get(length.remote(rayx.put(bytes(10**6)))) == 10**6
            poll_until(lambda: len(listening_sockets(addresses)) >= 2, 5, "all sockets")
            assert_modes_are_private(addresses)
            if os.geteuid() == 0:
                assert_closed_to_others(addresses)
                paths = listening_sockets(addresses)
                expected = dict.fromkeys(paths, ("refused", EACCES))
                assert run_as_nobody(connect, *paths) == expected
    finally:
        os.umask(before)
    assert not os.path.exists(addresses["session_dir"])


# ---- S8: secrets ---------------------------------------------------------------------------------


def test_S8_secrets_not_visible(start_driver):
    driver = start_driver(
        """
@rayx.remote
def look():
    return dict(os.environ), open("/proc/self/cmdline").read()

@rayx.remote(max_retries=0)
def die():
    os._exit(1)

init()
seen = [str(rayx.get(look.remote()))]
for call in (lambda: rayx.get(die.remote()), lambda: rayx.get(rayx.put(bytes(10**12)))):
    try:
        call()
    except Exception as error:
        seen.append(repr(error))
seen.append(str(rayx.error_info()))
tell(seen=seen)
time.sleep(1000)
"""
    )
    seen = driver.fact("seen")
    directory = driver.fact("session_dir")
    secret = read(f"{directory}/control.password").strip()
    assert len(secret) == 64
    os.kill(driver.fact("node"), signal.SIGUSR1)  # its state, to the log
    log = f"{directory}/logs/node.log"
    poll_until(lambda: "state on SIGUSR1" in read(log), 5, "the state in the log")
    pids = [driver.pid, *descendants(driver.pid)]
    assert len(pids) >= 6
    for pid in pids:
        assert secret not in read(f"/proc/{pid}/cmdline")
        assert secret not in read(f"/proc/{pid}/environ")
        assert secret not in read(f"/proc/{pid}/comm")
    for text in [*seen, driver.output()]:
        assert secret not in text
    holders = {
        os.path.relpath(path, directory)
        for path in paths_below(directory)
        if stat.S_ISREG(os.lstat(path).st_mode) and secret in read(path)
    }
    assert holders == {"control.password", "control-0/redis.conf", "control-1/redis.conf"}
    for name in holders:
        assert stat.S_IMODE(os.stat(f"{directory}/{name}").st_mode) == 0o600


# ---- S24: pickles are for Python -----------------------------------------------------------------


def test_S24_daemons_cannot_unpickle(rayx_session):
    rayx.get(add_one.remote(1))
    supervisor = rayx_session["supervisor_pid"]
    daemons = {
        pid: program
        for pid in [supervisor, *descendants(supervisor)]
        if "python" not in os.path.basename(program := link(f"/proc/{pid}/exe"))
    }
    names = {os.path.basename(program) for program in daemons.values()}
    assert {"rayx-supervisor", "rayx-node"} < names
    for program in daemons.values():
        if os.path.basename(program) in ("rayx-supervisor", "rayx-node"):
            # They bring the cryptography that they were tested with.
            linked = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
            assert "libc.so" in linked and not re.search("libssl|libcrypto", linked)
    for pid, program in daemons.items():
        assert "python" not in re.sub(r"\S*site-packages\S*", "", read(f"/proc/{pid}/maps")).lower()
        linked = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        assert "libpython" not in linked
        with open(program, "rb") as file:
            assert b"Py_Initialize" not in file.read()


# ---- S30: what is left ---------------------------------------------------------------------------


def assert_modes_are_private(addresses):
    for path in paths_below(addresses["session_dir"]):
        status = os.lstat(path)
        mode = stat.S_IMODE(status.st_mode)
        assert status.st_uid == os.geteuid()
        if stat.S_ISDIR(status.st_mode):
            assert mode == 0o700, path
        elif stat.S_ISREG(status.st_mode):
            assert mode == 0o600, path
        else:
            assert stat.S_ISSOCK(status.st_mode), path
            assert mode & 0o077 == 0, path


@pytest.mark.parametrize("redirect", [False, True])
def test_S30_modes_of_all_files(start_driver, redirect):
    driver = start_driver(
        f"""
@rayx.remote
def speak():
    print("something")

init(redirect_output={redirect})
rayx.get([speak.remote() for _ in range(10)])
tell(spoken=True)
time.sleep(1000)
"""
    )
    driver.fact("spoken")
    directory = driver.fact("session_dir")
    logs = f"{directory}/logs"
    poll_until(lambda: os.listdir(logs), 5, "a log")
    assert_modes_are_private({"session_dir": directory})
    driver.process.kill()
    driver.wait()
    if not redirect:
        return
    # Asked for: the logs stay, and nothing but them.
    poll_until(lambda: os.listdir(directory) == ["logs"], 2, "only logs")
    assert_modes_are_private({"session_dir": directory})
    shutil.rmtree(directory)


@pytest.mark.parametrize("way", ["exit", "SIGKILL"])
def test_S30_leftovers_private_and_gone(start_driver, tmp_path, way):
    driver = start_driver(
        f"""
init()
kept = rayx.put(bytearray(10**6))
tell(ready=True)
if {way == "exit"}:
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    sys.exit(0)
time.sleep(1000)
""",
        tmp_path / "go",
    )
    driver.fact("ready")
    driver.record()
    assert_modes_are_private({"session_dir": driver.fact("session_dir")})
    (tmp_path / "go").touch()
    if way == "SIGKILL":
        driver.process.kill()
    driver.wait()
    driver.traces.assert_gone()
    with rayx.init(num_cpus=1) as addresses:
        assert glob.glob(f"{os.environ['TMPDIR']}/rayx-*") == [addresses["session_dir"]]
        assert rayx.get(add_one.remote(1)) == 2
    driver.traces.assert_gone()
