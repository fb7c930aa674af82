"""What tasks hold while they run, and who goes first."""

import os
import threading
import time

import pytest

import rayx


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2, num_gpus=1, resources={"disk": 4, "licence": 0.5}):
        yield


@rayx.remote
def free():
    return rayx.available_resources()


@rayx.remote
def ready():
    return "ready"


class Gates:
    """Tasks that say that they run, and run until they are let go."""

    def __init__(self, directory):
        self._directory = directory
        self._count = 0

    def start(self, **options):
        """The number of a task, and its id."""
        self._count += 1
        paths = [str(self._directory / f"{self._count}.{kind}") for kind in ("began", "end")]
        for path in paths:
            os.mkfifo(path)

        @rayx.remote(**options)
        def hold(began, end):
            with open(began, "w") as fifo:
                fifo.write("x")
            with open(end) as fifo:
                fifo.read()

        return self._count, hold.remote(*paths)

    def await_start(self, number):
        with open(self._directory / f"{number}.began") as fifo:
            assert fifo.read() == "x"

    def end(self, number):
        with open(self._directory / f"{number}.end", "w") as fifo:
            fifo.write("x")


@pytest.fixture
def gates(tmp_path):
    return Gates(tmp_path)


def test_what_there_is():
    assert rayx.cluster_resources() == {"CPU": 2, "GPU": 1, "disk": 4, "licence": 0.5}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, {"CPU": 1, "GPU": 1, "disk": 4, "licence": 0.5}),
        ({"num_cpus": 0}, {"CPU": 2, "GPU": 1, "disk": 4, "licence": 0.5}),
        ({"num_cpus": 0.25}, {"CPU": 1.75, "GPU": 1, "disk": 4, "licence": 0.5}),
        ({"num_cpus": 1.5, "num_gpus": 0.5}, {"CPU": 0.5, "GPU": 0.5, "disk": 4, "licence": 0.5}),
        (
            {"resources": {"disk": 3, "licence": 0.5}},
            {"CPU": 1, "GPU": 1, "disk": 1, "licence": 0},
        ),
    ],
)
def test_what_a_task_holds_while_it_runs(options, left):
    seen = rayx.get(free.options(**options).remote())
    assert {name: seen.get(name, 0) for name in left} == left


def test_everything_is_given_back():
    rayx.get([ready.options(num_cpus=0.1, resources={"disk": 0.3}).remote() for _ in range(50)])
    deadline = time.monotonic() + 10
    while rayx.available_resources() != rayx.cluster_resources():
        assert time.monotonic() < deadline, rayx.available_resources()


@pytest.mark.parametrize(
    ("options", "at_once"),
    [
        ({"num_cpus": 1}, 2),
        ({"num_cpus": 2}, 1),
        ({"num_cpus": 0.5}, 4),
        ({"num_cpus": 0.7}, 2),
        ({"num_cpus": 0, "resources": {"disk": 1}}, 4),
        ({"num_cpus": 0, "num_gpus": 1}, 1),
        ({"num_cpus": 0, "resources": {"licence": 0.1}}, 5),
    ],
)
def test_never_more_at_once(options, at_once, tmp_path):
    """Each task notes its beginning and its end in one file."""
    log = str(tmp_path / "log")

    @rayx.remote(**options)
    def work():
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, b"+")
        time.sleep(0.005)  # task work
        os.write(fd, b"-")
        os.close(fd)

    rayx.get([work.remote() for _ in range(40)])
    running = most = 0
    with open(log) as file:
        for sign in file.read():
            running += 1 if sign == "+" else -1
            most = max(most, running)
    assert running == 0
    assert most <= at_once


def test_as_many_at_once_as_fit(gates):
    """Four with half a CPU run side by side, or none would be let go."""
    tasks = [gates.start(num_cpus=0.5) for _ in range(4)]
    for number, _ in tasks:
        gates.await_start(number)
    for number, _ in tasks:
        gates.end(number)
    rayx.get([object_id for _, object_id in tasks])


def test_tasks_without_cpus_do_not_wait_for_one(gates):
    tasks = [gates.start() for _ in range(2)]
    for number, _ in tasks:
        gates.await_start(number)
    assert rayx.get(ready.options(num_cpus=0).remote(), timeout=30) == "ready"
    more = [gates.start(num_cpus=0) for _ in range(5)]
    for number, _ in more:
        gates.await_start(number)
    for number, _ in tasks + more:
        gates.end(number)
    rayx.get([object_id for _, object_id in tasks + more])


@pytest.mark.parametrize(
    ("options", "asked", "supply"),
    [
        ({"num_cpus": 3}, "3", "2"),
        ({"num_gpus": 2}, "2", "1"),
        ({"resources": {"disk": 5}}, "disk", "4"),
        ({"resources": {"tape": 1}}, "tape", "disk"),
    ],
)
def test_what_can_never_run_fails_at_once(options, asked, supply):
    impossible = ready.options(**options).remote()
    with pytest.raises(rayx.InfeasibleError) as caught:
        rayx.get(impossible, timeout=10)
    assert "ready" in str(caught.value)
    assert asked in str(caught.value)
    assert supply in str(caught.value)


def test_what_depends_on_the_impossible_fails_alike():
    @rayx.remote
    def use(value):
        return value

    with pytest.raises(rayx.InfeasibleError, match="disk"):
        rayx.get(use.remote(ready.options(resources={"disk": 5}).remote()), timeout=10)


def test_a_task_that_does_not_fit_holds_up_nobody(gates):
    number, holder = gates.start(num_cpus=1)
    gates.await_start(number)
    large = ready.options(num_cpus=2).remote()
    small = [ready.remote() for _ in range(10)]
    assert rayx.get(small, timeout=30) == ["ready"] * 10
    assert rayx.wait([large], timeout=0) == ([], [large])
    gates.end(number)
    assert rayx.get([large, holder], timeout=30) == ["ready", None]


def test_a_task_that_does_not_fit_is_not_starved():
    """A stream of small tasks, never less than four, and one that needs both CPUs."""
    stop = threading.Event()
    done = []

    def stream():
        running = [ready.remote() for _ in range(4)]
        while not stop.is_set():
            finished, running = rayx.wait(running)
            done.extend(finished)
            running.append(ready.remote())
        rayx.get(running)

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        assert rayx.get(ready.options(num_cpus=2).remote(), timeout=30) == "ready"
    finally:
        stop.set()
        thread.join()


def test_blocked_tasks_give_their_cpus_back():
    @rayx.remote(num_cpus=2)
    def outer():
        return rayx.get(inner.remote())

    @rayx.remote(num_cpus=2)
    def inner():
        return rayx.get(ready.options(num_cpus=2).remote())

    assert rayx.get(outer.remote(), timeout=30) == "ready"

    @rayx.remote(num_cpus=2)
    def waiter():
        return [len(ids) for ids in rayx.wait([ready.options(num_cpus=2).remote()])]

    assert rayx.get(waiter.remote(), timeout=30) == [1, 0]


def test_blocked_tasks_keep_all_else():
    @rayx.remote(num_gpus=1)
    def outer():
        return rayx.get(free.options(num_cpus=1).remote())

    assert rayx.get(outer.remote(), timeout=30).get("GPU", 0) == 0


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"num_cpus": -1}, ValueError),
        ({"num_cpus": "1"}, TypeError),
        ({"num_cpus": float("nan")}, ValueError),
        ({"num_cpus": True}, TypeError),
        ({"num_gpus": -0.5}, ValueError),
        ({"resources": ["disk"]}, TypeError),
        ({"resources": {"disk": -1}}, ValueError),
        ({"resources": {"CPU": 1}}, ValueError),
        ({"resources": {1: 1}}, TypeError),
        ({"num_return_vals": -1}, ValueError),
        ({"num_return_vals": 1.0}, TypeError),
        ({"max_retries": -2}, ValueError),
        ({"max_retries": None}, TypeError),
        ({"names": "x"}, TypeError),
    ],
)
def test_options_without_meaning(options, kind):
    name = next(iter(options))
    with pytest.raises(kind, match=name if name != "resources" else "resource"):
        rayx.remote(**options)
    with pytest.raises(kind):
        ready.options(**options)
