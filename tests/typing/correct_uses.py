# pyright: strict
"""Uses of rayx that are right: a type checker has nothing to say. Not run."""

import datetime
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, assert_type

import rayx

T = TypeVar("T")

# ---- functions -----------------------------------------------------------------------------------


@rayx.remote
def length(text: str, base: int = 0) -> int:
    return len(text) + base


@rayx.remote(num_cpus=2, max_retries=0)
def halves(number: int) -> float:
    return number / 2


@rayx.remote(num_return_vals=2)
def split(text: str) -> tuple[str, str]:
    return text[:1], text[1:]


@rayx.remote
def first(items: list[T]) -> T:
    return items[0]


def functions() -> None:
    assert_type(length.remote("a"), rayx.ObjectID[int])
    assert_type(rayx.get(length.remote("a", base=2)), int)
    length.function("a")
    assert_type(first.remote([1, 2]), rayx.ObjectID[int])
    head, tail = split.remote("text")
    rayx.get([head, tail])
    assert_type(rayx.remote(num_gpus=1)(len).remote("a"), rayx.ObjectID[int])
    remote: rayx.RemoteFunction[[str, int], rayx.ObjectID[int]] = length
    remote.remote("a", 2)
    rayx.cancel(length.remote("a"), force=True)
    assert_type(rayx.cancel_all(force=True), int)


def options() -> None:
    a, b = rayx.remote(num_returns=2)(split.function).remote("ab")
    a, b = length.options(num_returns=2).remote("a")
    with rayx.init(ignore_reinit_error=True):
        rayx.get([a, b])
    assert_type(length.options(priority=3, timeout=1.5).remote("a", 1), rayx.ObjectID[int])
    assert_type(lines.options(name="lines").remote("a"), rayx.ObjectStream[str])
    words = rayx.remote(yields_words)
    assert_type(words.options(num_return_vals="stream").remote("a"), rayx.ObjectStream[str])
    a, b = length.options(num_return_vals=2).remote("a")
    rayx.get([a, b])


def ids_as_arguments(text: rayx.ObjectID[str], number: rayx.ObjectID[int]) -> None:
    assert_type(length.remote(text), rayx.ObjectID[int])
    assert_type(length.remote(text, 5), rayx.ObjectID[int])
    length.remote("a", number)
    length.remote(text, base=number)
    halves.remote(length.remote(text))
    Counter.remote(number)
    RemoteTable.remote("a", number)


def unknown_arguments(anything: Any, several: list[Any], options: dict[str, Any]) -> None:
    assert_type(length.remote(anything), rayx.ObjectID[int])
    length.remote(*several)
    length.remote(**options)


# ---- objects -------------------------------------------------------------------------------------


def objects() -> None:
    assert_type(rayx.put("text"), rayx.ObjectID[str])
    assert_type(rayx.get(rayx.put(["text"]), timeout=1), list[str])
    assert_type(rayx.get([halves.remote(1), halves.remote(2)]), list[float])
    assert_type(rayx.get((halves.remote(1), halves.remote(2))), list[float])
    ready, remaining = rayx.wait([length.remote("a")], timeout=10)
    rayx.wait([length.remote("a")], timeout_s=0.5)
    rayx.wait([length.remote("a")], timeout=datetime.timedelta(seconds=1))
    rayx.get(length.options(timeout=datetime.timedelta(seconds=1)).remote("a", 1))
    assert_type(ready, list[rayx.ObjectID[int]])
    assert_type(remaining, list[rayx.ObjectID[int]])
    by_id: dict[rayx.ObjectRef[int], str] = {length.remote("a"): "a"}
    assert_type(rayx.get({length.remote("a")}), list[int])
    assert_type(rayx.wait(by_id), tuple[list[rayx.ObjectID[int]], list[rayx.ObjectID[int]]])
    assert_type(rayx.as_completed(by_id), Iterator[rayx.ObjectID[int]])
    assert_type(by_id.pop(ready[0]), str)


def many(ids: list[rayx.ObjectID[int]]) -> None:
    assert_type(rayx.as_completed(ids, timeout=1.5), Iterator[rayx.ObjectID[int]])
    assert_type(rayx.progress(ids, description="text"), list[rayx.ObjectID[int]])
    assert_type(rayx.map(length, ["a", "b"], max_in_flight=4), Iterator[int])
    assert_type(rayx.map(length, ["a", "b"], [1, 2]), Iterator[int])
    assert_type(rayx.map(halves, ids, ordered=False), Iterator[float])
    assert_type(rayx.map(length, ["a", "b"], chunksize=2), Iterator[int])
    rayx.run_on_all_workers(lambda: None)


async def awaiting() -> None:
    assert_type(await length.remote("a"), int)
    assert_type(length.remote("a").future(), Future[int])
    async for object_id in lines.remote("a"):
        assert_type(await object_id, str)


# ---- streams -------------------------------------------------------------------------------------


def yields_words(text: str) -> Iterator[str]:
    yield from text.split()


@rayx.remote(num_return_vals="stream")
def lines(text: str) -> Iterator[str]:
    yield from text.splitlines()


def streams() -> None:
    stream = lines.remote("a")
    assert_type(stream, rayx.ObjectStream[str])
    assert_type(rayx.get(next(stream)), str)
    assert_type([rayx.get(object_id) for object_id in stream], list[str])
    stream.close()


# ---- actors of a class that inherits from rayx.Actor ---------------------------------------------


@rayx.remote
class Counter(rayx.Actor):
    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.options = {"step": 1}  # a name of the class, not of its instances

    @rayx.method
    def add(self, by: int = 1) -> int:
        self.value += by
        return self.value

    @rayx.method
    async def add_later(self, by: int) -> int:
        assert_type(self.add(by), int)
        return self.add(by) + await self.add_later(0)

    @rayx.method(num_return_vals="stream")
    def count(self, stop: int) -> Iterator[int]:
        yield from range(stop)

    @rayx.method(num_return_vals="stream")
    async def count_later(self, stop: int) -> AsyncIterator[int]:
        for number in self.count(stop):
            yield number

    @rayx.method
    def numbers(self) -> Iterator[int]:
        yield self.value

    @rayx.method(num_return_vals=2)
    def both(self) -> tuple[int, str]:
        return self.value, str(self.value)

    def unmarked(self) -> int:
        return self.value


@rayx.remote(num_cpus=1, max_restarts=2)
class Doubling(Counter):
    @rayx.method
    def add(self, by: int = 1) -> int:
        return super().add(2 * by)


def actors() -> None:
    counter = Counter.remote(3)
    assert_type(counter, Counter)
    assert_type(counter.add.remote(by=2), rayx.ObjectID[int])
    assert_type(rayx.get(counter.add.remote()), int)
    assert_type(counter.add_later.remote(2), rayx.ObjectID[int])
    assert_type(counter.count.remote(2), rayx.ObjectStream[int])
    assert_type(counter.count_later.remote(2), rayx.ObjectStream[int])
    number, text = counter.both.remote()
    rayx.get([number, text])
    assert_type(rayx.map(counter.add, [1, 2]), Iterator[int])
    assert_type(add_twice.remote(counter), rayx.ObjectID[int])
    assert_type(Doubling.remote().add.remote(2), rayx.ObjectID[int])
    rayx.kill(counter)


@rayx.remote
def add_twice(counter: Counter) -> int:
    return sum(rayx.get([counter.add.remote(1), counter.add.remote(1)]))


def actors_with_options() -> None:
    counter = Counter.options(name="counter", num_cpus=1).remote(3)
    assert_type(counter, Counter)
    assert_type(counter.add.options(timeout=1).remote(2), rayx.ObjectID[int])
    assert_type(counter.numbers.options(num_return_vals="stream").remote(), rayx.ObjectStream[int])
    found: Counter = rayx.get_actor("counter")
    assert_type(found.add.remote(1), rayx.ObjectID[int])
    assert_type(Counter.cls(3).add(1), int)
    add: rayx.ActorMethod[[int], rayx.ObjectID[int]] = counter.add
    add.remote(2)


def remote_by_a_call() -> None:
    class Local(rayx.Actor):
        @rayx.method
        def text(self) -> str:
            return ""

    RemoteLocal = rayx.remote(Local)
    assert_type(RemoteLocal.remote().text.remote(), rayx.ObjectID[str])
    assert_type(rayx.remote(max_restarts=1)(Local).remote(), Local)


# ---- actors of any other class -------------------------------------------------------------------


@dataclass
class Table:
    name: str
    size: int = 10

    def row(self, number: int) -> list[str]:
        return [self.name] * number


RemoteTable = rayx.remote(Table)
SafeTable = rayx.remote(num_cpus=1, max_restarts=1)(Table)


def actors_of_other_classes() -> None:
    table = RemoteTable.remote("a", size=3)
    assert_type(table, rayx.ActorHandle[Table])
    assert_type(SafeTable.remote("a"), rayx.ActorHandle[Table])
    assert_type(RemoteTable.options(name="table").remote("a"), rayx.ActorHandle[Table])
    assert_type(table.row, rayx.ActorMethod[..., Any])
    table.row.remote(2)
    table.row.options(timeout=1, num_return_vals=2).remote(2)
    assert_type(RemoteTable.cls("a").row(2), list[str])
    found: rayx.ActorHandle[Table] = rayx.get_actor("table")
    rayx.kill(found)
    takes_a_class(RemoteTable)


def takes_a_class(table_class: rayx.ActorClass[Callable[[str], Table]]) -> None:
    assert_type(table_class.remote("a"), rayx.ActorHandle[Table])


# ---- sessions ------------------------------------------------------------------------------------


def sessions() -> None:
    with rayx.init(
        num_cpus=2, driver_mode=rayx.PYTHON_MODE, preload=["json"], hints=False
    ) as context:
        assert_type(context["session_dir"], str)
        assert_type(context["supervisor_pid"], int)
        assert_type(context["redis_sockets"], list[str])
    assert_type(rayx.error_info()[0].function, str)
    assert_type(rayx.error_info()[0].time, float)
    assert_type(rayx.nodes()[0].resources, dict[str, float])
    node: rayx.NodeInfo = rayx.nodes()[0]
    assert_type(node.alive, bool)
    assert_type(rayx.get_node_ip_address(), str)
    assert_type(rayx.services.get_node_ip_address(), str)
    assert_type(rayx.state.tasks(limit=5)[0].name, str)
    assert_type(rayx.state.nodes()[0].resources, dict[str, float])
    assert_type(rayx.state.drivers()[0].ended_at, float | None)
    assert_type(rayx.cluster_resources(), dict[str, float])
