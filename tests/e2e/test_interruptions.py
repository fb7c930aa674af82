"""A cancel and a time-out end a task, wherever it is when they come."""

import time

import pytest

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
