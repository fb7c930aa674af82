"""Calls one by one go to their worker directly; nothing but their time may tell."""

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from session_watch import poll_until

import rayx
from rayx import questions

# Rounds until there is a lease: the node counts those that are quick, and a busy machine has slow
# ones.
ROUNDS = 100_000


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2):
        yield


@rayx.remote
def echo(value=None):
    return value


@rayx.remote
def pid():
    return os.getpid()


@rayx.remote
def fail(text):
    raise ValueError(text)


@rayx.remote
class Log:
    """Remembers what it was told."""

    def __init__(self):
        self.lines = []

    def add(self, line):
        self.lines.append(line)
        return len(self.lines)

    def all(self):
        return self.lines

    def pid(self):
        return os.getpid()

    def ask(self, other, line):
        return rayx.get(other.add.remote(line))


def dump():
    return questions.dump(rayx.session.current().client, 10_000)


def has_lease():
    return "worker lease: from peer" in dump()


def open_line(call=None):
    call = call or (lambda: echo.remote())
    for round_number in range(ROUNDS):
        rayx.get(call())
        if round_number % 100 == 99 and has_lease():
            return
    raise AssertionError("the node has not given us a lease")


class TestValues:
    def test_small_ones(self):
        open_line()
        for i in range(1000):
            assert rayx.get(echo.remote(i)) == i
        assert has_lease()

    def test_of_all_sizes(self):
        open_line()
        for exponent in range(4, 23):
            array = np.arange(2**exponent, dtype=np.uint8)
            assert np.array_equal(rayx.get(echo.remote(array)), array)

    def test_more_than_the_driver_keeps(self):
        """What it has no room for, it asks the node for, which may hear of the result only then."""
        open_line()
        ids = []
        for i in range(1500):
            ids.append(echo.remote(bytes([i % 256]) * 60_000))
            rayx.wait(ids[-1:])
            assert rayx.get(ids[-1])[:1] == bytes([i % 256])
        assert [value[0] for value in rayx.get(ids)] == [i % 256 for i in range(1500)]

    def test_ids_inside(self):
        open_line()
        inner = rayx.put("inner")
        assert rayx.get(rayx.get(echo.remote([inner]))[0]) == "inner"

        @rayx.remote
        def make():
            return [rayx.put("made")]

        for _ in range(50):
            [made] = rayx.get(make.remote())
            assert rayx.get(made) == "made"

    def test_several(self):
        @rayx.remote(num_return_vals=3)
        def three():
            return 1, 2, 3

        open_line(lambda: three.remote()[2])
        for _ in range(50):
            assert rayx.get(three.remote()) == [1, 2, 3]

    def test_results_as_arguments(self):
        open_line()
        for i in range(50):
            assert rayx.get(echo.remote(echo.remote(i))) == i

    def test_results_go_when_they_are_dropped(self):
        open_line()
        for i in range(500):
            echo.remote(i)
            rayx.get(echo.remote(i))
        gc.collect()

        def objects():
            rayx.get(echo.remote())
            return int(re.search(r"(\d+) objects", dump())[1])

        poll_until(lambda: objects() < 20, 20, "the results have gone")


class TestWaiting:
    def test_wait(self):
        open_line()
        for _ in range(100):
            ids = [echo.remote(1)]
            assert rayx.wait(ids) == (ids, [])

    def test_as_completed(self):
        open_line()
        for i in range(100):
            assert [rayx.get(one) for one in rayx.as_completed([echo.remote(i)])] == [i]

    def test_await(self):
        async def many():
            for i in range(3000):
                assert await echo.remote(i) == i

        asyncio.run(many())

    @pytest.mark.leaves("threads")
    def test_futures(self):
        open_line()
        for i in range(100):
            assert echo.remote(i).future().result(timeout=30) == i

    def test_a_time_out_of_get(self, tmp_path):
        @rayx.remote
        def wait_for(path):
            poll_until(lambda: os.path.exists(path), 20, "the file is there")
            return "there"

        open_line()
        path = str(tmp_path / "file")
        late = wait_for.remote(path)
        with pytest.raises(rayx.GetTimeoutError):
            rayx.get(late, timeout=0.05)
        assert rayx.get(echo.remote("meanwhile")) == "meanwhile"
        open(path, "w").close()
        assert rayx.get(late) == "there"

    def test_a_second_task_runs_beside_the_first(self, tmp_path):
        @rayx.remote
        def meet(own, other):
            open(own, "w").close()
            poll_until(lambda: os.path.exists(other), 20, "the other one runs")
            return True

        for i in range(5):
            open_line()
            names = [str(tmp_path / f"{i}-{k}") for k in range(2)]
            assert rayx.get([meet.remote(*names), meet.remote(*reversed(names))]) == [True] * 2

    def test_threads(self):
        def calls(start):
            for i in range(start, start + 500):
                results.append(rayx.get(echo.remote(i)) == i)

        open_line()
        results = []
        threads = [threading.Thread(target=calls, args=(1000 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 2000 and all(results)


class TestActors:
    def test_order_of_calls_of_all_kinds(self):
        log = Log.remote()
        open_line(lambda: log.pid.remote())
        told = []
        for i in range(300):
            told.append(i)
            # Directly, and through the node: what depends on an object, and what is not waited
            # for.
            if i % 3 == 0:
                rayx.get(log.add.remote(i))
            elif i % 3 == 1:
                log.add.remote(i)
            else:
                log.add.remote(rayx.put(i))
        assert rayx.get(log.all.remote()) == told

    def test_another_caller_has_its_turn(self):
        log, other = Log.remote(), Log.remote()
        open_line(lambda: log.pid.remote())
        for i in range(20):
            rayx.get(log.add.remote(2 * i))
            assert rayx.get(other.ask.remote(log, 2 * i + 1)) == 2 * i + 2
        assert rayx.get(log.all.remote()) == list(range(40))

    def test_a_killed_actor(self):
        log = Log.remote()
        open_line(lambda: log.pid.remote())
        got = log.pid.remote()
        rayx.get(got)
        rayx.kill(log)
        late = log.add.remote(1)
        with pytest.raises(rayx.ActorDiedError, match="rayx.kill"):
            rayx.get(late)
        # What its caller has got, has not failed: whether the node knew that or not.
        failed = [error for error in rayx.error_info() if error["function"].startswith("Log.")]
        assert [error["function"] for error in failed] == ["Log.add"]
        assert rayx.get(echo.remote(got)) == rayx.get(got)

    def test_what_was_got_of_an_actor_that_another_kills_is_there_for_all(self):
        log = Log.remote()
        open_line(lambda: log.pid.remote())
        end.remote([log])
        got = []
        with pytest.raises(rayx.ActorDiedError, match="rayx.kill"):
            for _ in range(100_000):
                result = log.pid.remote()
                rayx.get(result)
                got.append(result)
        assert rayx.get(all_there.remote(got))

    def test_an_actor_whose_process_is_killed(self):
        log = rayx.remote(max_restarts=1)(Plain).remote()
        open_line(lambda: log.pid.remote())
        first = rayx.get(log.pid.remote())
        os.kill(first, signal.SIGKILL)

        def again():
            try:
                return rayx.get(log.pid.remote()) != first
            except rayx.ActorDiedError:
                return False

        poll_until(again, 20, "the actor has been made again")
        open_line(lambda: log.pid.remote())

    def test_it_ends_with_its_last_handle(self):
        logs = [Log.remote()]
        open_line(lambda: logs[0].pid.remote())
        worker = rayx.get(logs[0].pid.remote())
        del logs[0]
        gc.collect()
        poll_until(lambda: not os.path.exists(f"/proc/{worker}"), 20, "its process has ended")


@rayx.remote
def end(actors):
    for actor in actors:
        rayx.kill(actor)


@rayx.remote
def all_there(ids):
    rayx.get(ids)
    return True


class Plain:
    def pid(self):
        return os.getpid()


class TestFailures:
    def test_exceptions_arrive_and_those_that_nobody_gets_are_printed_once(self, capfd):
        open_line()
        for i in range(3):
            with pytest.raises(ValueError, match=f"number {i}"):
                rayx.get(fail.remote(f"number {i}"))
        rayx.wait([fail.remote("number 3")])
        rayx.get(echo.remote(rayx.put(1)))
        seen = ""

        def printed():
            nonlocal seen
            seen += capfd.readouterr().err
            return "number 3" in seen

        poll_until(printed, 20, "the last one is printed")
        assert [seen.count(f"ValueError: number {i}") for i in range(4)] == [0, 0, 0, 1]

    def test_a_worker_that_is_killed(self):
        for _ in range(5):
            open_line()
            os.kill(rayx.get(pid.remote()), signal.SIGKILL)
            assert [rayx.get(echo.remote(i)) for i in range(20)] == list(range(20))

    def test_a_worker_that_ends_itself(self):
        @rayx.remote(max_retries=0)
        def leave():
            os._exit(7)

        open_line()
        with pytest.raises(rayx.WorkerCrashedError, match="7"):
            rayx.get(leave.remote())
        assert rayx.get(echo.remote(1)) == 1

    def test_a_worker_that_closes_all_descriptors(self):
        @rayx.remote(max_retries=0)
        def close_all():
            os.closerange(3, 1000)

        open_line()
        with pytest.raises(rayx.WorkerCrashedError):
            rayx.get(close_all.remote())
        assert rayx.get(echo.remote(1)) == 1

    def test_a_child_of_the_worker_holds_the_line_open(self, tmp_path):
        @rayx.remote(max_retries=0)
        def leave_a_child(path):
            if os.fork() == 0:
                os.setsid()
                with open(path, "w") as file:
                    file.write(str(os.getpid()))
                signal.pause()
            poll_until(lambda: os.path.exists(path) and open(path).read(), 20, "the child is there")
            os.kill(os.getpid(), signal.SIGKILL)

        open_line()
        path = str(tmp_path / "child")
        with pytest.raises(rayx.WorkerCrashedError, match="SIGKILL"):
            rayx.get(leave_a_child.remote(path))
        os.kill(int(open(path).read()), signal.SIGKILL)

    def test_cancelling(self):
        @rayx.remote
        def run_for_ever():
            while True:
                pass

        open_line()
        running = run_for_ever.remote()
        rayx.cancel(running)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(running)
        assert rayx.get(echo.remote(1)) == 1


class TestSpareProcessors:
    def test_who_waits_keeps_no_processor_that_others_want(self):
        """More programs than processors have work: nobody may look instead of sleeping."""
        open_line()
        program = "print(flush=True)\nwhile True: pass"
        others = [
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
            for _ in range(2 * os.cpu_count() + 1)
        ]
        try:
            for other in others:
                other.stdout.readline()
            seen = []
            for i in range(200):
                assert rayx.get(echo.remote(i)) == i
                if i % 10 == 9:
                    seen.append("may spin" in dump())
            assert not any(seen[len(seen) // 2 :]), seen
        finally:
            for other in others:
                other.kill()
                other.wait()
                other.stdout.close()


class TestTheRest:
    def test_resources_are_whole_again(self):
        open_line()
        assert rayx.get(echo.remote(1)) == 1
        poll_until(lambda: rayx.available_resources()["CPU"] == 2, 20, "all is free")

    def test_what_is_large_is_not_held_up(self):
        """The node sleeps for a while behind each part of it that it reads, but not now."""
        capture = np.zeros(10 << 20, np.uint8)

        @rayx.remote
        def size():
            return len(capture)

        open_line()
        begin = time.monotonic()
        assert rayx.get(size.remote()) == len(capture)
        assert time.monotonic() - begin < 3  # 6.5 s with a sleep behind each part

    def test_nested_tasks(self):
        @rayx.remote
        def fib(n):
            return n if n < 2 else sum(rayx.get([fib.remote(n - 1), fib.remote(n - 2)]))

        open_line()
        for n in range(8):
            assert rayx.get(fib.remote(n)) == [0, 1, 1, 2, 3, 5, 8, 13][n]

    def test_what_all_workers_run(self):
        open_line()

        def mark():
            os.environ["RAYX_LINE_TEST"] = "marked"

        rayx.run_on_all_workers(mark)

        @rayx.remote
        def marked():
            return os.environ.get("RAYX_LINE_TEST")

        assert [rayx.get(marked.remote()) for _ in range(50)] == ["marked"] * 50
