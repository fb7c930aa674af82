"""Sessions: their beginning and end, threads, signals, forks."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import rayx


@rayx.remote
def square(x):
    return x * x


@pytest.fixture
def ended():
    """Ends whatever session a test has begun."""
    yield
    rayx.shutdown()


@pytest.mark.usefixtures("ended")
class TestBeginAndEnd:
    def test_before_and_after(self):
        def all_refuse():
            assert not rayx.is_initialized()
            calls = [
                lambda: rayx.put(1),
                lambda: rayx.get([]),
                lambda: rayx.wait([]),
                lambda: square.remote(1),
                rayx.error_info,
                rayx.cluster_resources,
                rayx.available_resources,
            ]
            for call in calls:
                with pytest.raises(rayx.NotInitializedError, match=r"rayx\.init\(\)"):
                    call()

        all_refuse()
        rayx.shutdown()
        rayx.init(num_cpus=1)
        assert rayx.is_initialized()
        object_id = rayx.put(1)
        rayx.shutdown()
        rayx.shutdown()
        all_refuse()
        with pytest.raises(rayx.NotInitializedError):
            rayx.get(object_id)

    def test_twice(self):
        rayx.init(num_cpus=1)
        with pytest.raises(rayx.AlreadyInitializedError, match=r"rayx\.shutdown\(\)"):
            rayx.init(num_cpus=1)
        assert rayx.get(square.remote(2)) == 4

    def test_as_context(self):
        with pytest.raises(KeyError), rayx.init(num_cpus=1) as addresses:
            assert os.path.isdir(addresses["session_dir"])
            assert os.stat(addresses["session_dir"]).st_mode & 0o777 == 0o700
            raise KeyError
        assert not rayx.is_initialized()
        assert not os.path.exists(addresses["session_dir"])

    def test_what_was_there_before_works_again(self):
        """Functions are exported anew; ids of the old session are no ids of the new one."""
        with rayx.init(num_cpus=1):
            pair = square.options(num_return_vals=1)
            old = rayx.put("old")
            array = rayx.get(rayx.put(np.arange(10**5)))
            assert rayx.get([square.remote(2), pair.remote(3)]) == [4, 9]
        with rayx.init(num_cpus=1):
            assert rayx.get([square.remote(4), pair.remote(5)]) == [16, 25]
            with pytest.raises(rayx.RayxError):
                rayx.get(old, timeout=0.1)
            del old
            assert rayx.get(rayx.put("new")) == "new"
        assert array[-1] == 10**5 - 1

    def test_begun_in_another_thread(self):
        thread = threading.Thread(target=lambda: rayx.init(num_cpus=1))
        thread.start()
        thread.join()
        assert rayx.get(square.remote(3)) == 9
        thread = threading.Thread(target=rayx.shutdown)
        thread.start()
        thread.join()
        assert not rayx.is_initialized()

    def test_ended_while_a_thread_waits(self, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        caught = []

        @rayx.remote
        def never(path):
            open(path).close()

        def wait():
            try:
                rayx.get(object_id)
            except rayx.RayxError as error:
                caught.append(error)

        rayx.init(num_cpus=1)
        object_id = never.remote(str(tmp_path / "fifo"))
        thread = threading.Thread(target=wait)
        thread.start()
        rayx.wait([object_id], timeout=50)  # let it begin to wait
        rayx.shutdown()
        thread.join()
        assert [type(error) for error in caught] == [rayx.NotInitializedError]

    def test_silent_mode(self, capfd):
        with rayx.init(num_cpus=1, driver_mode=rayx.SILENT_MODE):
            failed = rayx.remote(lambda: 1 / 0).remote()
            rayx.wait([failed])
            assert len(rayx.error_info()) == 1
        assert "ZeroDivisionError" not in capfd.readouterr().err

    def test_shards(self):
        with rayx.init(num_cpus=1, num_redis_shards=3) as addresses:
            assert len(set(addresses["redis_sockets"])) == 4
            deadline = time.monotonic() + 10
            while not all(map(os.path.exists, addresses["redis_sockets"])):
                assert time.monotonic() < deadline
            assert rayx.get([square.remote(i) for i in range(20)]) == [i * i for i in range(20)]

    @pytest.mark.parametrize(
        ("arguments", "kind", "said"),
        [
            ({"num_cpus": -1}, ValueError, "num_cpus"),
            ({"num_cpus": "two"}, TypeError, "num_cpus"),
            ({"num_cpus": float("inf")}, ValueError, "num_cpus"),
            ({"num_gpus": -1}, ValueError, "num_gpus"),
            ({"num_gpus": None, "num_workers": -1}, ValueError, "num_workers"),
            ({"num_workers": 1.5}, TypeError, "num_workers"),
            ({"resources": {"CPU": 1}}, ValueError, "CPU"),
            ({"resources": {"a": -1}}, ValueError, "'a'"),
            ({"resources": "a"}, TypeError, "resources"),
            ({"object_store_memory": 1000}, ValueError, "object_store_memory"),
            ({"object_store_memory": 1 << 60}, ValueError, "object_store_memory"),
            ({"object_store_memory": 1e9}, TypeError, "object_store_memory"),
            ({"num_redis_shards": 0}, ValueError, "num_redis_shards"),
            ({"object_id_seed": -1}, ValueError, "object_id_seed"),
            ({"object_id_seed": "x"}, TypeError, "object_id_seed"),
            ({"driver_mode": 1}, ValueError, "driver_mode"),
            ({"driver_mode": 17}, ValueError, "driver_mode"),
            ({"redirect_output": "yes"}, TypeError, "redirect_output"),
            ({"redis_address": 5}, TypeError, "redis_address"),
            ({"redis_address": "1.2.3.4:5"}, rayx.StartError, "rayx start --redis-address=1.2"),
            ({"node_ip_address": "1.2.3.4"}, ValueError, "node_ip_address"),
            ({"cpus": 1}, TypeError, "cpus"),
        ],
        ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
    )
    def test_arguments_without_meaning(self, arguments, kind, said):
        with pytest.raises(kind, match=said):
            rayx.init(**arguments)
        assert not rayx.is_initialized()


def test_import_is_light():
    """What takes time to import is imported when it is needed first."""
    heavy = ["numpy", "pyarrow", "pandas", "asyncio", "psutil", "cloudpickle", "multiprocessing"]
    program = f"import sys, rayx; print([name for name in {heavy} if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")


class TestThreads:
    @pytest.mark.usefixtures("shared_session")
    def test_eight_at_once(self):
        problems = []

        def work(number):
            try:
                for i in range(200):
                    value = number * 1000 + i
                    assert rayx.get(square.remote(value)) == value**2
                    if i % 10 == 0:
                        array_id = rayx.put(np.full(10_000, value))
                        ids = [square.remote(j) for j in range(4)]
                        ready, remaining = rayx.wait(ids, num_returns=4)
                        assert (ready, remaining) == (ids, [])
                        assert rayx.get(array_id)[-1] == value
                        assert rayx.get([*ids, *ids]) == [0, 1, 4, 9] * 2
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []

    @pytest.mark.usefixtures("shared_session")
    def test_many_that_wait_for_one(self):
        object_id = square.remote(3)
        results = []
        threads = [
            threading.Thread(target=lambda: results.append(rayx.get(object_id))) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [9] * 20


class TestInterrupts:
    PROGRAM = """
import os, sys, time, rayx
os.mkfifo(sys.argv[1])

@rayx.remote
def hold(path):
    with open(path) as fifo:
        return fifo.read()

with rayx.init(num_cpus=2):
    held = hold.remote(sys.argv[1])
    try:
        print("waiting")
        {call}
    except KeyboardInterrupt:
        print("interrupted")
    print(rayx.get(rayx.put(1)), rayx.get(rayx.remote(lambda: 2).remote()))
    with open(sys.argv[1], "w") as fifo:
        fifo.write("held")
    print(rayx.get(held))
"""

    @pytest.mark.parametrize(
        "call",
        [
            "rayx.get(held)",
            "rayx.get([held, rayx.put(1)], timeout=60)",
            "rayx.wait([held])",
            "rayx.wait([held], timeout=60_000)",
        ],
    )
    def test_ctrl_c(self, call, start_program, tmp_path):
        program = start_program(self.PROGRAM.format(call=call), str(tmp_path / "fifo"))
        assert program.line() == "waiting"
        program.interrupt()
        assert program.finish()[0] == "interrupted\n1 2\nheld\n"

    def test_ctrl_c_that_nobody_catches(self, start_program, tmp_path):
        program = start_program(
            self.PROGRAM.format(call="rayx.get(held)").replace("KeyboardInterrupt", "KeyError"),
            str(tmp_path / "fifo"),
        )
        assert program.line() == "waiting"
        program.interrupt()
        _, err = program.finish(exit_code=-2)
        assert err.count("KeyboardInterrupt") == 1

    def test_other_signals_go_to_their_handlers(self, start_program, tmp_path):
        source = self.PROGRAM.replace(
            "os.mkfifo", "import signal; signal.signal(2, lambda *_: print('seen')); os.mkfifo"
        )
        call = "rayx.get(held, timeout=1)"
        program = start_program(
            source.format(call=call).replace("KeyboardInterrupt", "rayx.GetTimeoutError"),
            str(tmp_path / "fifo"),
        )
        assert program.line() == "waiting"
        program.interrupt()
        assert program.finish()[0] == "seen\ninterrupted\n1 2\nheld\n"


class TestForks:
    @pytest.mark.usefixtures("shared_session")
    def test_a_fork_of_the_driver(self):
        array_id = rayx.put(np.arange(10**5))
        array = rayx.get(array_id)
        calls = [
            lambda: rayx.put(1),
            lambda: rayx.get(array_id),
            lambda: rayx.wait([array_id]),
            lambda: square.remote(1),
            rayx.cluster_resources,
        ]
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                told = []
                for call in calls:
                    try:
                        call()
                    except rayx.ForkedProcessError:
                        told.append("F")
                told.append(f"{rayx.is_initialized()} {array[-1]}")
                del array_id, array
                rayx.shutdown()
                os.write(write, " ".join(told).encode())
            finally:
                os._exit(0)
        os.close(write)
        with open(read) as pipe:
            assert pipe.read() == "F F F F F False 99999"
        assert os.waitpid(pid, 0)[1] == 0
        assert rayx.get(array_id)[-1] == 99_999
        assert rayx.get(square.remote(3)) == 9

    def test_a_fork_that_ends_as_programs_do(self, run_program):
        """It runs what Python runs at exit, and the parent's session stands."""
        out, _ = run_program("""
import os, sys, rayx
rayx.init(num_cpus=1)
if os.fork() == 0:
    sys.exit(0)
os.wait()
print(rayx.get(rayx.remote(lambda: 5).remote()))
""")
        assert out == "5\n"

    def test_a_fork_with_a_session_of_its_own(self, run_program):
        out, _ = run_program("""
import os, rayx
first = rayx.init(num_cpus=1)
if os.fork() == 0:
    with rayx.init(num_cpus=1) as second:
        assert second["session_dir"] != first["session_dir"]
        print("child", rayx.get(rayx.remote(lambda: 6).remote()), flush=True)
    os._exit(0)
os.wait()
print("parent", rayx.get(rayx.remote(lambda: 5).remote()))
""")
        assert out == "child 6\nparent 5\n"

    @pytest.mark.usefixtures("shared_session")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
    def test_multiprocessing_in_the_driver(self):
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        assert rayx.get(square.remote(3)) == 9

    @pytest.mark.usefixtures("shared_session")
    def test_multiprocessing_in_a_task(self):
        @rayx.remote
        def work(method):
            with multiprocessing.get_context(method).Pool(2) as pool:
                return pool.map(abs, [-1, -2])

        assert rayx.get([work.remote("fork"), work.remote("spawn")]) == [[1, 2], [1, 2]]
        assert rayx.get(square.remote(3)) == 9

    @pytest.mark.usefixtures("shared_session")
    def test_subprocesses_in_a_task(self):
        @rayx.remote
        def work():
            return subprocess.run(["echo", "hello"], capture_output=True).stdout

        assert rayx.get(work.remote()) == b"hello\n"


def test_ps_tells_workers_and_actors(shared_session):
    def title():
        with open("/proc/self/cmdline") as line, open("/proc/self/comm") as name:
            return line.read().rstrip("\0"), name.read().rstrip("\n")

    @rayx.remote
    class Counter:
        def title(self):
            return title()

    assert rayx.get(rayx.remote(title).remote()) == ("rayx-worker", "rayx-worker")
    assert rayx.get(Counter.remote().title.remote()) == ("rayx-actor Counter", "rayx-Counter")
