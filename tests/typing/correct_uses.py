"""Uses of rayx that are right: a type checker has nothing to say. Not run."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import assert_type

import rayx


@rayx.remote
def length(text: str, base: int = 0) -> int:
    return len(text) + base


@rayx.remote(num_cpus=2, max_retries=0)
def halves(number: int) -> float:
    return number / 2


class Counter:
    def __init__(self, value: int = 0) -> None:
        self.value = value

    def add(self, by: int = 1) -> int:
        self.value += by
        return self.value


RemoteCounter = rayx.remote(Counter)


def functions() -> None:
    assert_type(length.remote("a"), rayx.ObjectID[int])
    assert_type(rayx.get(length.remote("a", base=2)), int)
    assert_type(rayx.get([halves.remote(1), halves.remote(2)]), list[float])
    ready, remaining = rayx.wait([length.remote("a")], timeout=10)
    assert_type(ready, list[rayx.ObjectID[int]])
    assert_type(remaining, list[rayx.ObjectID[int]])
    assert_type(rayx.put("text"), rayx.ObjectID[str])
    length.options(priority=3).remote("a")


@rayx.remote(num_return_vals="stream")
def lines(text: str) -> Iterator[str]:
    yield from text.splitlines()


def streams() -> None:
    stream = lines.remote("a")
    assert_type(stream, rayx.ObjectStream[str])
    assert_type(rayx.get(next(stream)), str)
    assert_type([rayx.get(object_id) for object_id in stream], list[str])
    stream.close()


def many() -> None:
    ids = [length.remote("a")]
    assert_type(rayx.as_completed(ids, timeout=1.5), Iterator[rayx.ObjectID[int]])
    assert_type(rayx.progress(ids, description="text"), list[rayx.ObjectID[int]])
    assert_type(rayx.map(length, ["a", "b"], max_in_flight=4), Iterator[int])
    assert_type(rayx.map(halves, [1, 2], ordered=False), Iterator[float])
    rayx.run_on_all_workers(lambda: None)


async def awaiting() -> None:
    assert_type(await length.remote("a"), int)
    assert_type(length.remote("a").future(), Future[int])
    async for object_id in lines.remote("a"):
        assert_type(await object_id, str)


def actors() -> None:
    counter = RemoteCounter.remote(3)
    assert_type(counter, rayx.ActorHandle[Counter])
    counter.add.remote(by=2)
    rayx.kill(counter)


def sessions() -> None:
    with rayx.init(num_cpus=2, driver_mode=rayx.PYTHON_MODE, preload=["json"]) as context:
        assert_type(context["session_dir"], str)
        assert_type(context["supervisor_pid"], int)
        assert_type(context["redis_sockets"], list[str])
    assert_type(rayx.error_info()[0].function, str)
    assert_type(rayx.error_info()[0].time, float)
    assert_type(rayx.cluster_resources(), dict[str, float])
