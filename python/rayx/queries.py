"""What may be asked of a session: what there is, what is free, what has failed.

>>> import rayx
>>> with rayx.init(num_cpus=2):
...     rayx.cluster_resources()
{'CPU': 2.0}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rayx import questions, session
from rayx._raylet import RayletError

if TYPE_CHECKING:
    from rayx.error_records import ErrorInfo
    from rayx.records.node_info import NodeInfo

# The node answers questions at once, or not at all.
# The node itself gives up what control servers do not answer, and says why: after 10 seconds, and
# 5 more in which a server that has lost its data is told again.
_QUERY_MS = 20_000


def error_info() -> list[ErrorInfo]:
    """The tasks of this driver that failed, oldest first, as far as the error table remembers.

    >>> @rayx.remote
    ... def fail():
    ...     raise ValueError("no")
    >>> try:
    ...     rayx.get(fail.remote())
    ... except ValueError:
    ...     rayx.error_info()[-1].function
    'fail'
    """
    from rayx import error_records

    owner = session.current()
    try:
        return error_records.records(questions.errors(owner.client, _QUERY_MS))
    except RayletError as error:
        raise owner.failure(error) from None


def nodes() -> list[NodeInfo]:
    """The nodes of the session, oldest first, those that have ended included.

    A session on one machine has one that is alive, a cluster one a machine. A node that had to be
    started again is another one.

    >>> [node.resources["CPU"] for node in rayx.nodes() if node.alive]
    [4.0]
    """
    from rayx.records import node_info

    owner = session.current()
    try:
        return node_info.records(questions.nodes(owner.client, _QUERY_MS))
    except RayletError as error:
        raise owner.failure(error) from None


def get_node_ip_address() -> str:
    """The address by which the session knows the machine on which this process runs.

    In a task, that is where the task runs.

    >>> rayx.get_node_ip_address()
    '127.0.0.1'
    """
    owner = session.current()
    try:
        address: str = questions.node(owner.client, _QUERY_MS)["host"]
    except RayletError as error:
        raise owner.failure(error) from None
    return address


def cluster_resources() -> dict[str, float]:
    """All there is to be given to tasks, at all nodes.

    >>> rayx.cluster_resources()
    {'CPU': 4.0, 'GPU': 2.0}
    """
    return _resources()[0]


def available_resources() -> dict[str, float]:
    """What no task or actor holds at the moment, with the keys of `cluster_resources`.

    >>> rayx.available_resources()
    {'CPU': 4.0, 'GPU': 2.0}
    """
    total, available = _resources()
    return {name: available.get(name, 0.0) for name in total}


def _resources() -> tuple[dict[str, float], dict[str, float]]:
    owner = session.current()
    try:
        node = questions.node(owner.client, _QUERY_MS)
        sums = questions.resources(owner.client, _QUERY_MS)
        if node["is_in_cluster"]:
            for other in questions.nodes(owner.client, _QUERY_MS):
                if other["alive"] and other["node_id"] != node["node_id"]:
                    for amounts, more in zip(sums, _resources_of(owner, other), strict=True):
                        for name, amount in more.items():
                            amounts[name] = amounts.get(name, 0.0) + amount
        return sums
    except RayletError as error:
        raise owner.failure(error) from None


def _resources_of(
    owner: session.Session, other: dict[str, Any]
) -> tuple[dict[str, float], dict[str, float]]:
    """Of another node. One that is about to be found dead has nothing to give."""
    try:
        return questions.resources(owner.client, _QUERY_MS, other["node_id"])
    except RayletError:
        return {}, {}
