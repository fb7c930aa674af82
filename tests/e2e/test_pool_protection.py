"""S25, S26: what can be done to stored objects from outside the rules."""

import os

from other_user import NOBODY, as_root, error_number, run_as_nobody
from session_watch import session_pids

import rayx

EACCES = 13


@rayx.remote
def length(value):
    return len(value)


ATTACK = """
import mmap

def sum_of(array):
    return int(array.astype(int).sum())

@rayx.remote
def attack(array):
    errors = {}
    def attempt(name, call):
        try:
            call()
            errors[name] = 0
        except (OSError, ValueError) as error:
            errors[name] = getattr(error, "errno", None) or str(error)
    pools = []
    for number in os.listdir("/proc/self/fd"):
        try:
            if "rayx-pool" in os.readlink(f"/proc/self/fd/{number}"):
                pools.append(int(number))
        except OSError:
            continue
    libc = ctypes.CDLL(None, use_errno=True)
    address = array.ctypes.data & ~4095
    def protect():
        if libc.mprotect(ctypes.c_void_p(address), 4096, 3) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
    attempt("mprotect", protect)
    attempt("numpy", lambda: array.setflags(write=True))
    for fd in pools:
        attempt(f"own write {fd}", lambda: os.write(fd, b"x"))
        attempt(f"own pwrite {fd}", lambda: os.pwrite(fd, b"x", 0))
        attempt(f"own ftruncate {fd}", lambda: os.ftruncate(fd, 0))
        attempt(f"own map {fd}", lambda: mmap.mmap(fd, 4096, mmap.MAP_SHARED, 3))
    # Whoever has the node's number can open what it has open, as far as modes allow.
    for pid, maps in ((os.getpid(), pools), (NODE, range(64)), (DRIVER, range(64))):
        for number in maps:
            path = f"/proc/{pid}/fd/{number}"
            try:
                if "rayx-pool" not in os.readlink(path):
                    continue
            except OSError:
                continue
            attempt(f"reopen {path}", lambda: os.open(path, os.O_RDWR))
            attempt(f"write only {path}", lambda: os.open(path, os.O_WRONLY))
            try:
                fd = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            attempt(f"ftruncate {path}", lambda: os.ftruncate(fd, 0))
            attempt(f"grow {path}", lambda: os.ftruncate(fd, 1 << 40))
            attempt(f"write {path}", lambda: os.write(fd, b"x"))
            attempt(f"pwrite {path}", lambda: os.pwrite(fd, b"x", 0))
            attempt(f"map {path}", lambda: mmap.mmap(fd, 4096, mmap.MAP_SHARED, 3))
            os.close(fd)
    return pools, errors

import numpy
addresses = init()
NODE, DRIVER = child(addresses, "rayx-node"), os.getpid()
array = numpy.arange(10**6)
stored = rayx.put(array)
pools, errors = rayx.get(attack.remote(stored))
assert sum_of(rayx.get(stored)) == sum_of(array)
assert sum_of(rayx.get(rayx.put(array * 2))) == 2 * sum_of(array)
paths = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
own = [path for path in paths if os.path.lexists(path) and "pool" in os.readlink(path)]
tell(pools=pools, errors=errors, own=own, uid=os.getuid())
"""


def test_S26_sealed_objects(start_driver, tmp_path):
    """Tried by a task of the same user, who is not root: root may do anything."""
    options = {}
    if os.geteuid() == 0:
        place = os.path.join(os.environ["TMPDIR"], "nobody")
        os.mkdir(place)
        os.chown(place, NOBODY, NOBODY)
        # Who may read and search, so that the installation need not be open to others; not write.
        options = {
            "environment": {"TMPDIR": place},
            "before": [
                "setpriv",
                f"--reuid={NOBODY}",
                f"--regid={NOBODY}",
                "--clear-groups",
                "--inh-caps=-all,+dac_read_search",
                "--ambient-caps=-all,+dac_read_search",
            ],
        }
    driver = start_driver(ATTACK, **options)
    assert driver.fact("uid") != 0
    errors = driver.fact("errors")
    assert {what: error for what, error in errors.items() if error == 0} == {}
    assert errors["mprotect"] == EACCES
    assert len(driver.fact("pools")) == 1, "to map copies of its own, and for reading only"
    assert len(driver.fact("own")) == 2, "another, to write what nobody has touched"
    reopened = {what.split("/")[2] for what in errors if what.startswith("reopen")}
    assert len(reopened) == 3, f"of the node, the driver and the worker, found {reopened}"
    assert driver.wait() == 0, driver.output()


@as_root
def test_S25_object_fds(open_place, rayx_session):
    rayx.get(length.remote(rayx.put(bytes(10**6))))
    pids = session_pids(rayx_session)
    assert run_as_nobody(try_processes, pids) == {EACCES}


def try_processes(pids):
    """The errors of reaching for what these processes have open."""
    errors = set()
    for pid in pids:
        errors |= {error_number(os.listdir, f"/proc/{pid}/{what}") for what in ("fd", "map_files")}
        errors |= {error_number(open, f"/proc/{pid}/{what}") for what in ("environ", "maps", "mem")}
        for number in range(64):
            errors.add(error_number(os.open, f"/proc/{pid}/fd/{number}", os.O_RDONLY))
    return errors
