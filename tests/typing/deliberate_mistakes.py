"""Uses of rayx that are wrong. Type checkers must complain in each line marked so, and only there.

The mark names mypy's kind of complaint.
"""

from collections.abc import Iterator

import rayx

# ---- functions -----------------------------------------------------------------------------------


@rayx.remote
def length(text: str, base: int = 0) -> int:
    return len(text) + base


@rayx.remote(num_return_vals="stream")
def lines(text: str) -> Iterator[str]:
    yield from text.splitlines()


def plain(number: int) -> int:
    return number


def arguments(text: rayx.ObjectID[str]) -> None:
    length.remote()  # mistake: call-overload
    length.remote(5)  # mistake: call-overload
    length.remote("a", "2")  # mistake: call-overload
    length.remote("a", 2, 3)  # mistake: call-overload
    length.remote("a", bas=2)  # mistake: call-overload
    length.remote(["a"])  # mistake: call-overload
    length.options(priority=2).remote(5)  # mistake: call-overload
    lines.remote(5)  # mistake: call-overload
    length("a")  # mistake: operator
    length(text)  # mistake: operator
    length.function(text)  # mistake: arg-type
    length.submit("a")  # mistake: attr-defined


def results() -> None:
    text: str = rayx.get(length.remote("a"))  # mistake: assignment
    number: int = length.remote("a")  # mistake: assignment
    length.remote("a") + 1  # mistake: operator
    texts: list[str] = rayx.get([length.remote("a")])  # mistake: list-item
    length.remote("a").value  # mistake: attr-defined
    plain(length.remote("a"))  # mistake: arg-type
    for line in lines.remote("a"):
        line.upper()  # mistake: attr-defined
    rayx.get(lines.remote("a"))  # mistake: call-overload
    print(text, number, texts)


def options() -> None:
    rayx.remote(num_cpu=2)  # mistake: call-overload
    rayx.remote(num_cpus="2")  # mistake: call-overload
    rayx.remote(max_retries=1, max_restarts=1)  # mistake: call-overload
    rayx.remote(5)  # mistake: call-overload
    rayx.remote(num_return_vals="steam")  # mistake: call-overload
    rayx.remote(num_return_vals="stream")(plain)  # mistake: arg-type
    rayx.method(num_return_vals="two")  # mistake: call-overload
    length.options(num_cpu=2)  # mistake: call-overload
    length.options(max_restarts=2)  # mistake: call-overload
    length.options(timeout="1")  # mistake: call-overload
    length.options(num_return_vals="stream")  # mistake: call-overload


# ---- objects -------------------------------------------------------------------------------------


def objects() -> None:
    rayx.get(5)  # mistake: call-overload
    rayx.get("id")  # mistake: arg-type
    rayx.get(length)  # mistake: call-overload
    rayx.get(length.remote("a"), timeout="1")  # mistake: call-overload
    rayx.get(length.remote("a"), 1)  # mistake: call-overload
    rayx.wait(length.remote("a"))  # mistake: arg-type
    rayx.wait([length.remote("a")], num_returns="1")  # mistake: arg-type
    rayx.wait([length.remote("a")], fetch_local=True)  # mistake: arg-type
    rayx.init(address="auto")  # mistake: arg-type
    rayx.cancel(length)  # mistake: arg-type
    rayx.ObjectID(b"")  # mistake: call-arg


def many() -> None:
    rayx.map(plain, [1])  # mistake: call-overload
    rayx.map(length, [1])  # mistake: misc
    rayx.map(length, ["a"], ordered="no")  # mistake: call-overload
    rayx.map(length)  # mistake: call-overload
    rayx.as_completed([1, 2])  # mistake: arg-type
    rayx.progress([length.remote("a")], description=5)  # mistake: arg-type
    rayx.run_on_all_workers(5)  # mistake: arg-type
    for value in rayx.map(length, ["a"]):
        value.upper()  # mistake: attr-defined


async def awaiting() -> None:
    text: str = await length.remote("a")  # mistake: assignment
    await length  # mistake: misc
    await lines.remote("a")  # mistake: misc
    length.remote("a").future().result().upper()  # mistake: attr-defined
    print(text)


# ---- actors --------------------------------------------------------------------------------------


@rayx.remote
class Counter(rayx.Actor):
    def __init__(self, value: int) -> None:
        self.value = value

    @rayx.method
    def add(self, by: int = 1) -> int:
        return self.add("2")  # mistake: arg-type

    @rayx.method
    async def add_later(self, by: int) -> int:
        return self.add_later(by)  # mistake: return-value

    @rayx.method(num_return_vals="stream")
    def count(self, stop: int) -> Iterator[int]:
        yield from range(stop)

    @rayx.method(num_return_vals="stream")  # mistake: arg-type
    def not_a_generator(self) -> int:
        return 5

    def unmarked(self) -> int:
        return self.value


def constructors() -> None:
    Counter.remote()  # mistake: call-overload
    Counter.remote("3")  # mistake: call-overload
    Counter.remote(3, 4)  # mistake: call-overload
    Counter.options(num_cpus=1).remote("3")  # mistake: call-overload
    Counter.options(num_cpu=1)  # mistake: call-arg
    Counter.options(max_retries=1)  # mistake: call-arg
    Counter("3")  # mistake: arg-type
    Counter.cls("3")  # mistake: arg-type


def methods(counter: Counter) -> None:
    counter.add.remote("2")  # mistake: call-overload
    counter.add.remote(2, 3)  # mistake: call-overload
    counter.add_later.remote()  # mistake: call-overload
    counter.subtract.remote(2)  # mistake: attr-defined
    counter.unmarked.remote()  # mistake: attr-defined
    counter.add.options(num_cpus=1)  # mistake: call-overload
    counter.add.options(timeout="1")  # mistake: call-overload
    text: str = rayx.get(counter.add.remote(2))  # mistake: assignment
    number: int = counter.add.remote(2)  # mistake: assignment
    counter.count.remote(3).hex()  # mistake: attr-defined
    rayx.map(counter.add, ["a"])  # mistake: misc
    counter.add = plain  # mistake: assignment
    add_twice.remote(5)  # mistake: call-overload
    rayx.kill(5)  # mistake: arg-type
    rayx.kill(Counter)  # mistake: arg-type
    rayx.get_actor(5)  # mistake: arg-type
    rayx.get(counter)  # mistake: call-overload
    print(text, number)


@rayx.remote
def add_twice(counter: Counter) -> int:
    return sum(rayx.get([counter.add.remote(1), counter.add.remote(1)]))


async def awaiting_actors(counter: Counter) -> None:
    text: str = await counter.add_later.remote(1)  # mistake: assignment
    async for item in counter.count.remote(1):
        item.upper()  # mistake: attr-defined
    print(text)


class Table:
    def __init__(self, name: str) -> None:
        self.name = name

    def row(self) -> list[str]:
        return [self.name]


RemoteTable = rayx.remote(Table)


def actors_of_other_classes() -> None:
    RemoteTable.remote()  # mistake: call-overload
    RemoteTable.remote(5)  # mistake: call-overload
    RemoteTable.options(num_cpu=1)  # mistake: call-arg
    RemoteTable("a")  # mistake: operator
    RemoteTable.remote("a").row()  # mistake: operator
    number: int = RemoteTable.remote("a")  # mistake: assignment
    rayx.get(RemoteTable.remote("a"))  # mistake: call-overload
    rayx.kill(RemoteTable)  # mistake: arg-type
    print(number)


# ---- sessions ------------------------------------------------------------------------------------


def sessions() -> None:
    context = rayx.init(num_cpus="2")  # mistake: arg-type
    rayx.init(num_cpu=2)  # mistake: arg-type
    rayx.init(preload=5)  # mistake: arg-type
    context["session"]  # mistake: call-overload
    pid: str = context["supervisor_pid"]  # mistake: assignment
    rayx.error_info()[0].name  # mistake: attr-defined
    rayx.error_info()[0].kind = "x"  # mistake: misc
    print(pid)
