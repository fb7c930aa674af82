"""A cancel and a time-out end a task, wherever it is when they come."""

import asyncio
import logging
import os
import time

import pytest
from session_watch import poll_until

import rayx


@pytest.fixture(scope="module", autouse=True)
def session():
    """Its workers have imported what this module needs: no time-out comes in the midst of that."""
    with rayx.init(num_cpus=2, driver_mode=rayx.SILENT_MODE, preload=["pytest"]):
        yield


# What an interrupted task is given to end; the node kills it after two seconds.
SECONDS = 1.5


class Finalized:
    def __del__(self):
        for _ in range(3000):
            pass


class Copied:
    """Pickled by code of its own, most of the time."""

    def __reduce__(self):
        for _ in range(3000):
            pass
        return Copied, ()


def put_strings(strings):
    rayx.put(strings)


def put_copied(strings):
    rayx.put(Copied())


def finalize(strings):
    Finalized()


def map_over(strings):
    list(rayx.map(rayx.remote(num_cpus=0)(len), (strings[i : i + 1] for i in range(10_000))))


class Works:
    def work(self, step):
        strings = [f"s{number}" for number in range(100_000)]
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            step(strings)
        return "not interrupted"


@rayx.remote
def work(step):
    return Works().work(step)


@pytest.mark.parametrize("step", [put_strings, put_copied, finalize, map_over])
@pytest.mark.parametrize("where", ["task", "actor", "threads"])
def test_neither_is_swallowed(where, step):
    if where == "task":
        call = work
    else:
        actor = rayx.remote(Works).options(max_concurrency=2 if where == "threads" else 1).remote()
        call = actor.work
    for _ in range(2):
        with pytest.raises(rayx.TaskTimeoutError):
            rayx.get(call.options(timeout=0.3).remote(step))
        object_id = call.remote(step)
        assert rayx.wait([object_id], timeout=300)[0] == []  # it works by now
        rayx.cancel(object_id)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(object_id)


class SlowStream:
    def write(self, text):
        time.sleep(0.02)  # task work

    def flush(self):
        pass


def log_all_the_time():
    """Is in the handler when the interruption comes."""
    logger = logging.getLogger("rayx-test")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler(SlowStream()))
    while True:
        logger.warning("still there")


def run_callbacks():
    """So that the interruption comes in one of them."""
    loop = asyncio.new_event_loop()

    def step():
        time.sleep(0.02)  # task work
        loop.call_soon(step)

    loop.call_soon(step)
    try:
        loop.run_forever()
    finally:
        loop.close()


class Endless:
    def work(self, step, path):
        with open(path, "w") as file:
            try:
                file.write("begun\n")
                file.flush()
                step()
            finally:
                file.write(f"ended {os.getpid()}")

    def pid(self):
        return os.getpid()


@rayx.remote
def work_endlessly(step, path):
    Endless().work(step, path)


@pytest.mark.parametrize("step", [log_all_the_time, run_callbacks])
@pytest.mark.parametrize("where", ["task", "actor", "threads"])
def test_what_the_standard_library_catches_is_not_swallowed(where, step, tmp_path):
    """A task that goes on would be killed after two seconds, without a word of its own."""
    path = tmp_path / "said"
    actor = None
    if where == "task":
        call = work_endlessly
    else:
        threads = 2 if where == "threads" else 1
        actor = rayx.remote(Endless).options(max_concurrency=threads).remote()
        call = actor.work
    object_id = call.remote(step, path)
    poll_until(lambda: path.exists() and path.read_text(), 30, "it has begun")
    rayx.cancel(object_id)
    with pytest.raises(rayx.TaskCancelledError):
        rayx.get(object_id, timeout=30)
    assert path.read_text().startswith("begun\nended ")
    if actor is not None:
        assert path.read_text() == f"begun\nended {rayx.get(actor.pid.remote(), timeout=30)}"
