"""Uses of rayx that are wrong. A type checker must complain in each line marked so, and only there.

The mark names mypy's kind of complaint.
"""

import rayx


@rayx.remote
def length(text: str, base: int = 0) -> int:
    return len(text) + base


class Counter:
    def add(self, by: int = 1) -> int:
        return by


RemoteCounter = rayx.remote(Counter)


def plain(number: int) -> int:
    return number


def functions() -> None:
    text: str = rayx.get(length.remote("a"))  # mistake: assignment
    number: int = length.remote("a")  # mistake: assignment
    texts: list[str] = rayx.get([length.remote("a")])  # mistake: list-item
    rayx.get(5)  # mistake: call-overload
    rayx.get("id")  # mistake: arg-type
    rayx.get(length.remote("a"), timeout="1")  # mistake: call-overload
    rayx.get(length.remote("a"), 1)  # mistake: call-overload
    rayx.wait(length.remote("a"))  # mistake: arg-type
    rayx.wait([length.remote("a")], num_returns="1")  # mistake: arg-type
    rayx.remote(num_cpu=2)  # mistake: call-overload
    rayx.remote(max_retries=1, max_restarts=1)  # mistake: call-overload
    rayx.remote(5)  # mistake: call-overload
    rayx.cancel(length)  # mistake: arg-type
    rayx.remote(num_return_vals="steam")  # mistake: call-overload
    print(text, number, texts)


def many() -> None:
    rayx.map(plain, [1])  # mistake: arg-type
    rayx.map(length, [1], ordered="no")  # mistake: arg-type
    rayx.as_completed([1, 2])  # mistake: arg-type
    rayx.progress([length.remote("a")], description=5)  # mistake: arg-type
    rayx.run_on_all_workers(5)  # mistake: arg-type
    for value in rayx.map(length, ["a"]):
        value.upper()  # mistake: attr-defined


async def awaiting() -> None:
    text: str = await length.remote("a")  # mistake: assignment
    await length  # mistake: misc
    print(text)


def a_direct_call() -> None:
    length("a")
    print("not reached")  # mistake: unreachable


def a_direct_construction() -> None:
    RemoteCounter()
    print("not reached")  # mistake: unreachable


def actors() -> None:
    rayx.kill(5)  # mistake: arg-type
    rayx.get_actor(5)  # mistake: arg-type


def sessions() -> None:
    context = rayx.init(num_cpus="2")  # mistake: arg-type
    rayx.init(num_cpu=2)  # mistake: call-arg
    rayx.init(preload=5)  # mistake: arg-type
    context["session"]  # mistake: call-overload
    pid: str = context["supervisor_pid"]  # mistake: assignment
    rayx.error_info()[0].name  # mistake: attr-defined
    rayx.error_info()[0].kind = "x"  # mistake: misc
    rayx.ObjectID(b"")  # mistake: call-arg
    print(pid)
