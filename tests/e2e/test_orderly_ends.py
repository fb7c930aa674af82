"""What actors and tasks have left to be finished is finished when their worker ends unkilled."""

import os

import pytest
from session_watch import poll_until

BEGIN = """
import atexit, logging, os, sys, tempfile, threading, time, rayx

@rayx.remote
class Writer:
    def __init__(self, place):
        self.place = place
        self.file = open(f"{place}/file", "w")
        self.directory = tempfile.TemporaryDirectory(dir=place)
        self.pid = os.getpid()

    def prepare(self):
        self.file.write("written")
        with open(f"{self.directory.name}/inner", "w") as inner:
            inner.write("x")
        atexit.register(self.note, "atexit", self.place)
        thread = threading.Thread(target=self.work, args=(self.place,))
        thread.start()
        return os.getpid()

    @staticmethod
    def note(name, place):
        with open(f"{place}/{name}", "a") as file:
            file.write("x")

    @staticmethod
    def work(place):
        # task work
        time.sleep(0.2)
        Writer_note("thread", place)

    def __del__(self):
        Writer_note("del", self.place)
        print("the last word", flush=True)

def Writer_note(name, place):
    with open(f"{place}/{name}", "a") as file:
        file.write("x")

place = sys.argv[1]
"""

ENDS = {
    "last_handle": """
rayx.init(num_cpus=1)
writer = Writer.remote(place)
pid = rayx.get(writer.prepare.remote())
del writer
while os.path.exists(f"/proc/{pid}"):
    time.sleep(0.01)
""",
    "shutdown": """
rayx.init(num_cpus=1)
writer = Writer.remote(place)
rayx.get(writer.prepare.remote())
rayx.shutdown()
""",
    "exit": """
rayx.init(num_cpus=1)
writer = Writer.remote(place)
rayx.get(writer.prepare.remote())
""",
    "exception": """
rayx.init(num_cpus=1)
writer = Writer.remote(place)
rayx.get(writer.prepare.remote())
raise SystemExit(0)
""",
}


def state_of(place):
    """What was left in the place, with the lengths of files; directories are None."""
    return {
        name: os.path.getsize(place / name) if (place / name).is_file() else None
        for name in os.listdir(place)
    }


FINISHED = {"file": 7, "del": 1, "atexit": 1, "thread": 1}


@pytest.mark.parametrize("end", ["last_handle", "shutdown", "exit", "exception"])
def test_an_actor(run_program, tmp_path, end):
    place = tmp_path / "place"
    place.mkdir()
    out, err = run_program(BEGIN + ENDS[end], str(place))
    assert state_of(place) == FINISHED, out + err
    assert "the last word" in out


def test_a_driver_that_has_joined(run_program, tmp_path):
    import rayx

    place = tmp_path / "place"
    place.mkdir()
    info = rayx.init(num_cpus=1)
    try:
        run_program(
            BEGIN
            + """
rayx.init(redis_address=sys.argv[2])
writer = Writer.remote(place)
rayx.get(writer.prepare.remote())
""",
            str(place),
            info["redis_address"],
        )
        assert state_of(place) == FINISHED
    finally:
        rayx.shutdown()


def test_actors_with_threads_and_coroutines(run_program, tmp_path):
    run_program(
        BEGIN
        + """
import asyncio

class Base:
    def __init__(self, place, name):
        self.place, self.name = place, name

    def __del__(self):
        Writer_note(self.name, self.place)

@rayx.remote(max_concurrency=2)
class Threaded(Base):
    def go(self):
        return 1

@rayx.remote
class Coroutines(Base):
    async def go(self):
        self.task = asyncio.ensure_future(self.forever())
        await asyncio.sleep(0)
        return 1

    async def forever(self):
        try:
            await asyncio.sleep(1000)
        finally:
            Writer_note("cancelled", self.place)

rayx.init(num_cpus=1)
actors = [Threaded.remote(place, "threads"), Coroutines.remote(place, "coroutines")]
assert rayx.get([actor.go.remote() for actor in actors]) == [1, 1]
rayx.shutdown()
""",
        str(tmp_path),
    )
    assert {"threads", "coroutines", "cancelled"} <= set(os.listdir(tmp_path))


def test_a_worker_of_tasks(run_program, tmp_path):
    run_program(
        BEGIN
        + """
@rayx.remote
def register():
    atexit.register(Writer_note, "task", place)
    global directory, file
    directory = tempfile.TemporaryDirectory(dir=place)
    file = open(f"{place}/global", "w")
    file.write("written")

rayx.init(num_cpus=1)
rayx.get(register.remote())
rayx.shutdown()
""",
        str(tmp_path),
    )
    left = state_of(tmp_path)
    assert (left.pop("task"), left.pop("global")) == (1, 7)
    assert [name for name in left if not name.endswith(".py")] == []


def test_an_end_that_does_not_end_is_cut_short(start_program, tmp_path):
    """By a second at the end of the driver; by four, with a word, at that of an actor alone."""
    program = start_program(
        BEGIN
        + """
@rayx.remote
class Stuck:
    def pid(self):
        return os.getpid()

    def __del__(self):
        Writer_note("begun", place)
        threading.Event().wait()

rayx.init(num_cpus=1)
alone, other = Stuck.remote(), Stuck.remote()
pid = rayx.get(alone.pid.remote())
rayx.get(other.pid.remote())
del alone
began = time.monotonic()
while os.path.exists(f"/proc/{pid}"):
    time.sleep(0.01)
print("alone", time.monotonic() - began, flush=True)
began = time.monotonic()
rayx.shutdown()
print("driver", time.monotonic() - began, flush=True)
""",
        str(tmp_path),
    )
    out, err = program.finish()
    seconds = {line.split()[0]: float(line.split()[1]) for line in out.splitlines()}
    assert 3.5 < seconds["alone"] < 10
    assert 0.9 < seconds["driver"] < 5
    assert "has not finished within 4 seconds" in err
    assert "in __del__" in err
    assert (tmp_path / "begun").stat().st_size == 2


def test_what_runs_is_not_waited_for(run_program, tmp_path):
    out, _ = run_program(
        BEGIN
        + """
@rayx.remote
class Busy:
    def begin(self):
        atexit.register(Writer_note, "atexit", place)

    def run(self):
        open(f"{place}/runs", "w").close()
        threading.Event().wait()

rayx.init(num_cpus=1)
busy = Busy.remote()
rayx.get(busy.begin.remote())
running = busy.run.remote()
while not os.path.exists(f"{place}/runs"):
    time.sleep(0.01)
began = time.monotonic()
rayx.shutdown()
print(time.monotonic() - began)
""",
        str(tmp_path),
    )
    assert float(out) < 0.9
    assert not (tmp_path / "atexit").exists()


def test_handlers_of_preloaded_modules_are_the_template_s(run_program, tmp_path, monkeypatch):
    """Workers share what such a module has made: the first that ends must not remove it."""
    (tmp_path / "with_handlers.py").write_text(
        "import atexit, os, tempfile\n"
        f"atexit.register(lambda: open({str(tmp_path / 'atexit')!r}, 'w').close())\n"
        "directory = tempfile.TemporaryDirectory()\n"
        "import weakref\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run_program(
        """
import rayx, os, atexit

@rayx.remote
class User:
    def name(self):
        import with_handlers
        return os.getpid(), with_handlers.directory.name

with rayx.init(num_cpus=1, preload=["with_handlers"]):
    first, second = User.remote(), User.remote()
    pid, name = rayx.get(first.name.remote())
    rayx.get(second.name.remote())
    del first
    while os.path.exists(f"/proc/{pid}"):
        pass
    assert os.path.isdir(name)
"""
    )
    assert not (tmp_path / "atexit").exists()


# ---- shared memory ------------------------------------------------------------------------------

SHARED = """
import os, sys, time, rayx
from multiprocessing import shared_memory

@rayx.remote
class Sharer:
    def make(self):
        self.memory = shared_memory.SharedMemory(create=True, size=1 << 20)
        return os.getpid(), self.memory.name

    def run_joblib(self, path):
        import joblib
        import numpy

        def work(array, i):
            open(f"{path}/{i}", "w").close()
            # task work
            time.sleep(1000)

        data = numpy.ones(1 << 20)
        joblib.Parallel(n_jobs=2, max_nbytes=1000)(joblib.delayed(work)(data, i) for i in range(2))

rayx.init(num_cpus=2)
sharer = Sharer.remote()
"""


def shared_memory():
    """What joblib and multiprocessing have in /dev/shm."""
    kinds = ("psm_", "sem.", "joblib_memmapping_folder_")
    return {name for name in os.listdir("/dev/shm") if name.startswith(kinds)}


SHARED_ENDS = {
    "kill": "rayx.kill(sharer)",
    "last_handle": "del sharer",
    "shutdown": "rayx.shutdown()",
    "killed_from_outside": "os.kill(pid, 9)",
    "the_driver_is_killed": "os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("end", SHARED_ENDS)
def test_shared_memory_of_multiprocessing(start_program, end):
    before = shared_memory()
    program = start_program(
        SHARED
        + f"""
pid, name = rayx.get(sharer.make.remote())
assert os.path.exists(f"/dev/shm/{{name}}")
print("made", flush=True)
{SHARED_ENDS[end]}
if {end not in ("shutdown", "the_driver_is_killed")}:
    while os.path.exists(f"/dev/shm/{{name}}"):
        time.sleep(0.01)
    rayx.shutdown()
"""
    )
    assert program.line() == "made"
    program.process.wait(30)
    poll_until(lambda: shared_memory() <= before, 5, "nothing is left in /dev/shm")


@pytest.mark.parametrize("end", ["kill", "shutdown", "the_driver_is_killed"])
def test_shared_memory_of_joblib(start_program, tmp_path, end):
    pytest.importorskip("joblib")
    before = shared_memory()
    program = start_program(
        SHARED
        + f"""
running = sharer.run_joblib.remote(sys.argv[1])
while len([name for name in os.listdir(sys.argv[1]) if name in ("0", "1")]) < 2:
    time.sleep(0.01)
print(any(name.startswith("joblib_") for name in os.listdir("/dev/shm")), flush=True)
{SHARED_ENDS[end]}
if {end == "kill"}:
    while any(name.startswith("joblib_") for name in os.listdir("/dev/shm")):
        time.sleep(0.01)
""",
        str(tmp_path),
    )
    assert program.line() == "True"
    program.process.wait(30)
    poll_until(lambda: shared_memory() <= before, 5, "nothing is left in /dev/shm")


def test_programs_that_an_actor_has_started(run_program, tmp_path):
    """They live on when it ends, unless it is killed; none outlives the driver."""
    source = """
import os, subprocess, sys
import rayx
sys.path.insert(0, sys.argv[1])
from session_watch import poll_until, stat_fields as is_alive

class Starter:
    def start(self):
        return os.getpid(), subprocess.Popen(["sleep", "1000"]).pid

with rayx.init(num_cpus=2):
    ends, killed = [rayx.remote(Starter).remote() for _ in range(2)]
    (pid, lives), (killed_pid, dies) = rayx.get([ends.start.remote(), killed.start.remote()])
    del ends
    rayx.kill(killed)
    poll_until(lambda: not is_alive(pid) and not is_alive(killed_pid), 20, "both have ended")
    poll_until(lambda: not is_alive(dies), 20, "so has what the killed one had started")
    assert is_alive(lives)
poll_until(lambda: not is_alive(lives), 20, "nothing outlives the driver")
"""
    run_program(source, os.path.dirname(__file__))
