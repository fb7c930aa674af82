"""Several nodes on one machine, for tests of programs that are to run on many.

>>> import rayx
>>> from rayx.cluster import Cluster
>>> with Cluster(nodes=[{"num_cpus": 2}, {"num_cpus": 1, "resources": {"disk": 1}}]) as cluster:
...     cluster.nodes[1].resources
{'CPU': 1.0, 'disk': 1.0}
"""

from __future__ import annotations

import atexit
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never, TypedDict

from rayx import errors, session
from rayx.launch.init_options import InitOptions
from rayx.launch.processes import Processes, Standing
from rayx.records import cluster_key
from rayx.records.host_port import LOOPBACK
from rayx.standing import members, sessions
from rayx.text import words
from rayx.text.quantities import whole
from rayx.text.value_text import shown, type_name

if TYPE_CHECKING:
    from types import TracebackType

    from rayx.records.session_records import SessionRecord

_NODES_MAX = 64
# What a node has that is not told: several share the machine.
_CPUS = 1
_STORE_BYTES = 1 << 28
# A node that serves is a member within hundredths of a second.
_MEMBER_SECONDS_MAX = 20.0
# A supervisor ends what is below it in a second or two.
_STOP_SECONDS_MAX = 10.0


class NodeOptions(TypedDict, total=False):
    """What one of the `nodes` of a `Cluster` can be told; as the arguments of `add_node`."""

    num_cpus: float
    num_gpus: float
    resources: Mapping[str, float]
    object_store_memory: int
    num_workers: int


class ClusterNode:
    """A node of a `Cluster`: what stands for a machine."""

    def __init__(
        self, cluster: Cluster, options: InitOptions, processes: Processes, record: SessionRecord
    ) -> None:
        self._cluster = cluster
        self._processes = processes
        self._record = record
        amounts = {"CPU": options.num_cpus, "GPU": options.num_gpus, **options.resources}
        #: What it has for tasks.
        self.resources = {name: amount for name, amount in amounts.items() if amount > 0}
        #: Bytes for shared objects.
        self.object_store_memory = options.object_store_bytes

    @property
    def address(self) -> str:
        """Its "HOST:PORT"."""
        return self._record.address

    @property
    def is_head(self) -> bool:
        """Whether it has the cluster's tables. Programs that join use its memory."""
        return not self._record.head

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._record.supervisor.is_alive()

    def kill(self) -> None:
        """The same as `Cluster.kill` of this node."""
        self._cluster.kill(self)

    def __repr__(self) -> str:
        what = "head, " if self.is_head else ""
        return f"<ClusterNode {self.address}, {what}{self.resources}>"


class Cluster:
    """Several nodes on this machine, as if each were a machine of a cluster.

    - `nodes`: what each has, as a dictionary of the arguments of `add_node`; or how many. The first
      is the head.

    `rayx.init(redis_address=cluster.redis_address)` joins, in this program and in others of this
    user. A `with` block, `shutdown()` or the end of this program ends all nodes, however it ends;
    first the session of this program, if it had joined. A node that dies is not started again; with
    the head, the cluster ends.

    The nodes listen at 127.0.0.1 only, and know each other by a key that nobody else has.

    >>> import rayx
    >>> with Cluster(nodes=2) as cluster:
    ...     context = rayx.init(redis_address=cluster.redis_address)
    ...     len(rayx.nodes())
    2
    """

    def __init__(self, nodes: int | Sequence[NodeOptions] = 1) -> None:
        first, *others = _checked_nodes(nodes)
        self._pid = os.getpid()
        self._key = secrets.token_bytes(cluster_key.BYTES)
        self._nodes: list[ClusterNode] = []
        self._address = ""
        atexit.register(self.shutdown)
        try:
            (head,) = self._start([first])
            self._address = head.address
            self._start(others)
        except BaseException:
            self.shutdown()
            raise

    @property
    def redis_address(self) -> str:
        """What `rayx.init` takes to join: "HOST:PORT" of the head."""
        return self._address

    @property
    def nodes(self) -> tuple[ClusterNode, ...]:
        """Those that were started and neither removed nor killed; the head first."""
        return tuple(self._nodes)

    def add_node(
        self,
        *,
        num_cpus: float | None = None,
        num_gpus: float | None = None,
        resources: Mapping[str, float] | None = None,
        object_store_memory: int | None = None,
        num_workers: int | None = None,
        **unknown: Never,
    ) -> ClusterNode:
        """Starts another node, and returns when it belongs to the cluster.

        - `num_cpus`, `num_gpus`, `resources`: what tasks are given there; by default one CPU. Nodes
          that have GPUs number them from 0 on, each by itself.
        - `object_store_memory`: bytes for shared objects; by default 256 MiB, or less if the
          machine has little.
        - `num_workers`: workers started at once (as many as CPUs).
        """
        given = dict(locals())
        del given["self"], given["unknown"]
        words.refuse("add_node", unknown, {}, list(given))
        options = _checked("add_node", given)
        if not self._nodes or not self._nodes[0].is_head:
            raise errors.StartError("the cluster has no head any more, so that no node can join it")
        (node,) = self._start([options])
        return node

    def remove_node(self, node: ClusterNode) -> None:
        """Ends a node as `rayx stop` does: it takes its leave, and all others know at once.

        What runs there ends. ValueError if it is the head, without which there is no cluster.
        """
        self._check(node)
        if node.is_head:
            raise ValueError(
                f"{node!r} is the head, with which the cluster ends: call shutdown(), or kill() "
                "to see what comes of its loss"
            )
        self._end(node)

    def kill(self, node: ClusterNode) -> None:
        """Ends all processes of a node at once, by SIGKILL, as if its machine had lost its power.

        Its processes are those that its supervisor has started, and those below them. Other nodes
        find out by themselves.
        """
        self._check(node)
        sessions.cut_off(node._record.supervisor)
        self._end(node)

    def shutdown(self) -> None:
        """Ends all nodes. The session of this program goes before, if it had joined.

        Called at exit by itself. A second call does nothing, nor does one in a forked child.
        """
        if os.getpid() != self._pid:
            return
        atexit.unregister(self.shutdown)
        self._leave()
        for node in reversed(self.nodes):
            self._end(node)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        return f"<Cluster {self._address}, {len(self._nodes)} nodes>"

    def _leave(self) -> None:
        """This program's session, if it is one in this cluster."""
        joined = session.peek()
        addresses = None if joined is None or joined.forked else joined.addresses
        if addresses and self._address and addresses.get("redis_address") == self._address:
            from rayx.launch import api

            api.shutdown()

    def _check(self, node: ClusterNode) -> None:
        if not isinstance(node, ClusterNode):
            raise TypeError(f"a ClusterNode is needed, not {shown(node)} of {type_name(node)}")
        if node not in self._nodes:
            raise ValueError(f"{node!r} is no node of this cluster, or not any more")
        if os.getpid() != self._pid:
            raise errors.ForkedProcessError("the cluster belongs to the process that started it")

    def _start(self, several: Sequence[InitOptions]) -> list[ClusterNode]:
        """All at once. If one cannot be started, none is left."""
        with cluster_key.lent(self._key) as key_file:
            where = Standing(LOOPBACK, 0, str(key_file), self._address, owner_pid=self._pid)
            begun: list[Processes] = []
            try:
                for options in several:
                    begun.append(sessions.launch(options, where))
                started = [
                    ClusterNode(self, options, processes, sessions.enter(processes, options, where))
                    for options, processes in zip(several, begun, strict=True)
                ]
                head = (*self._nodes, *started)[0]
                members.wait_for(
                    head._record,
                    {node.address for node in started},
                    members.in_seconds(_MEMBER_SECONDS_MAX),
                )
            except BaseException:
                for processes in begun:
                    processes.stop()  # whose supervisor removes its record
                raise
        self._nodes += started
        return started

    def _end(self, node: ClusterNode) -> None:
        self._nodes.remove(node)
        node._processes.stop(_STOP_SECONDS_MAX)
        node._record.remove()


def _checked_nodes(nodes: Any) -> list[InitOptions]:
    if isinstance(nodes, int) and not isinstance(nodes, bool):
        return [_checked("nodes", {})] * whole("nodes", nodes, 1, _NODES_MAX)
    if not isinstance(nodes, list | tuple):
        raise TypeError(
            "nodes must be a number, or a list of what each node has, such as "
            f"[{{'num_cpus': 2}}, {{'num_cpus': 1}}], not {shown(nodes)} of {type_name(nodes)}"
        )
    if not 1 <= len(nodes) <= _NODES_MAX:
        raise ValueError(f"nodes must be 1 to {_NODES_MAX}, the first of them the head")
    known = list(NodeOptions.__annotations__)
    for number, given in enumerate(nodes):
        name = f"nodes[{number}]"
        if not isinstance(given, Mapping):
            raise TypeError(
                f"{name} must be a dictionary such as {{'num_cpus': 2}}, not {shown(given)} of "
                f"{type_name(given)}"
            )
        for key in given:
            if key not in known:
                close = words.did_you_mean(str(key), known)
                raise ValueError(f"{name}: {shown(key)} is none of {', '.join(known)}{close}")
    return [_checked(f"nodes[{number}]", given) for number, given in enumerate(nodes)]


def _checked(name: str, given: Mapping[str, Any]) -> InitOptions:
    """What `rayx.init` would make of it, but with less of the machine for what is not told."""
    told = {key: value for key, value in given.items() if value is not None}
    try:
        options = InitOptions.checked(**{"num_cpus": _CPUS} | told)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    if "object_store_memory" in told:
        return options
    return options._replace(object_store_bytes=min(options.object_store_bytes, _STORE_BYTES))
