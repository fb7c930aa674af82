"""The beginning and the end of a session.

>>> import rayx
>>> with rayx.init(num_cpus=2):
...     rayx.cluster_resources()
{'CPU': 2.0}
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Never, NoReturn, overload

from rayx import errors, session
from rayx import hints as advice

if TYPE_CHECKING:
    from types import TracebackType

    from rayx.launch.init_options import InitOptions


class Context(dict[str, Any]):
    """What `init` returns: where the session's processes are. A `with` block of it ends them.

    Its keys are `session_dir`, `node_socket`, `node_id`, `node_ip_address`, `redis_address`,
    `redis_sockets`, `supervisor_pid` and `driver_id`.
    """

    __module__ = "rayx"  # as which users know it

    if TYPE_CHECKING:
        # The keys are those of AddressInfo and no others.
        @overload  # type: ignore[override]
        def __getitem__(self, name: Literal["supervisor_pid"], /) -> int: ...
        @overload
        def __getitem__(self, name: Literal["redis_sockets"], /) -> list[str]: ...
        @overload
        def __getitem__(
            self,
            name: Literal[
                "session_dir",
                "node_socket",
                "node_id",
                "node_ip_address",
                "redis_address",
                "driver_id",
            ],
            /,
        ) -> str: ...
        def __getitem__(self, name: Any, /) -> Any: ...

    #: False if the session was there before: the program that began it ends it.
    _ends_session = True

    def __enter__(self) -> Context:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ends_session:
            shutdown()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Only for what is not there."""
            from rayx.text import words

            raise AttributeError(
                f"'Context' object has no attribute '{name}'{words.advice(words.CONTEXT, name)}",
                name=name,
                obj=self,
            )


def init(
    redis_address: str | None = None,
    node_ip_address: str | None = None,
    object_id_seed: int | None = None,
    num_workers: int | None = None,
    driver_mode: int = session.SCRIPT_MODE,
    redirect_output: bool = False,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    num_redis_shards: int | None = None,
    *,
    resources: Mapping[str, float] | None = None,
    object_store_memory: int | None = None,
    preload: Sequence[str] | None = None,
    hints: bool = True,
    working_dir: str | os.PathLike[str] | None = None,
    ignore_reinit_error: bool = False,
    **unknown: Never,
) -> Context:
    """Starts a session on this machine, or joins one, and makes this process its driver.

    - `redis_address`: of a session that is there already, as the `init` of the program that has
      started it has returned it, or `rayx start` has printed it ("HOST:PORT" of a cluster's head);
      RAYX_REDIS_ADDRESS, if that is set. Nothing that describes processes can be given with it.
    - `node_ip_address`: the address of this machine, or of one of its nodes in that cluster.
    - `object_id_seed`: makes the ids of this driver, and of the tasks below it, follow from a
      number: the same seed and program give the same ids.
    - `num_workers`: workers started at once (as many as CPUs); more come as they are needed.
    - `driver_mode`: `SCRIPT_MODE`; `SILENT_MODE` to not print errors of tasks; or `PYTHON_MODE`,
      for debugging: nothing is started, and each task runs here, in the midst of its `.remote()`.
    - `redirect_output`: output of the processes goes to files in a directory that is printed; it
      stays when the session ends.
    - `num_cpus`, `num_gpus`, `resources`: what tasks can be given; by default the CPUs that this
      process may use, no GPUs (those that are found are named in a hint), nothing else.
    - `num_redis_shards`: control servers beside the primary one.
    - `object_store_memory`: bytes for shared objects; by default a third of the memory, or what
      limits of the process (`ulimit -f`, `ulimit -v`) leave.
    - `preload`: names of modules that workers have imported when they start.
    - `hints`: whether advice is printed on stderr, once for each cause. RAYX_HINTS=0 in the
      environment is the same as False.
    - `working_dir`: where tasks run and import from. Workers of other machines are given its files,
      30 MB packed at most, without what `.rayxignore` there, or else `.gitignore`, names.
    - `ignore_reinit_error`: if this process has a session already, it is kept, whatever else is
      asked for, and a `with` block does not end it. AlreadyInitializedError otherwise; but in a
      notebook or an interpreter, to call `init` again with the same arguments only gives a hint.

    Everything ends with `shutdown()`, with the `with` block, or with this process. Of a session
    that was joined, what this driver has started ends.

    >>> with rayx.init(num_cpus=4, resources={"disk": 2}):
    ...     rayx.cluster_resources()
    {'CPU': 4.0, 'disk': 2.0}
    """
    given = dict(locals())
    if given.pop("unknown"):
        _refuse(unknown, list(given))
    ignores = given.pop("ignore_reinit_error")
    options, ignored = _checked(given)
    with session.changing:
        kept = _existing_session(options, ignores)
        if kept is not None:
            return kept
        started = _begin(options)
    _tell_of_ignored(started, ignored)
    may_hint = num_gpus is None and options.redis_address is None and advice.wanted(started)
    processes = started.processes
    _tell(
        started.addresses["session_dir"], processes is not None and processes.keeps_logs, may_hint
    )
    return Context(started.addresses)


def _checked(given: dict[str, Any]) -> tuple[InitOptions, list[str]]:
    """Also the names of those that have no meaning here."""
    from rayx.launch.init_options import InitOptions, with_address

    given, ignored = with_address(given, os.environ)
    return InitOptions.checked(**given), ignored


def _tell_of_ignored(started: session.Session, names: list[str]) -> None:
    from rayx.launch.init_options import ADDRESS_VARIABLE

    if names:
        advice.give(
            started,
            "options of a session that is there",
            f"rayx.init() joins the session that {ADDRESS_VARIABLE} names, as under `rayx run`, "
            f"which says what that has; so this has no meaning here: {', '.join(names)}",
        )


def _refuse(unknown: dict[str, Any], known: list[str]) -> None:
    from rayx.text import words

    words.refuse("rayx.init", unknown, words.INIT, known)


def _begin(options: InitOptions) -> session.Session:
    from rayx.launch.start import start_session

    started, addresses = start_session(options)
    started.addresses = {**addresses}
    started.options = options
    session.set_current(started)
    for at_exit in (shutdown, _hush_threads):  # run in the opposite order
        atexit.unregister(at_exit)
        atexit.register(at_exit)
    return started


def _hush_threads() -> None:
    """From now on daemon threads are silent of calls that fail since the program ends.

    So they are when they wait for anything else: Python does not wait for them.
    """
    shown = threading.excepthook

    def show(args: threading.ExceptHookArgs) -> None:
        is_ours = issubclass(args.exc_type, errors.NotInitializedError)
        if not (is_ours and args.thread is not None and args.thread.daemon):
            shown(args)

    threading.excepthook = show


def _tell(session_dir: str, keeps_logs: bool, may_hint: bool) -> None:
    """What people should know of the session that has begun."""
    told = []
    if keeps_logs:
        told.append(f"the output of the session's processes goes to {session_dir}/logs")
    if may_hint:
        from rayx.launch import machine

        found = machine.gpu_names()
        if found:
            told.append(
                f"GPUs found and not used: {', '.join(found)}. For tasks that ask for GPUs, call "
                f"rayx.init(num_gpus={len(found)}); num_gpus=0 silences this hint"
            )
    if sys.stderr is not None:
        for text in told:
            print(f"rayx: {text}", file=sys.stderr, flush=True)


def _existing_session(options: InitOptions, ignores: bool) -> Context | None:
    """The session that there is, if it will do; AlreadyInitializedError if it will not."""
    if not isinstance(ignores, bool):
        raise TypeError(f"ignore_reinit_error must be True or False, not {ignores!r}")
    existing = session.peek()
    if existing is None or existing.forked:
        return None
    is_worker = existing.mode == session.WORKER_MODE
    if not ignores:
        if is_worker:
            task = f"the task {existing.running}" if existing.running else "a worker"
            raise errors.AlreadyInitializedError(
                f"rayx.init() was called by {task}, which has its session already: use rayx as it "
                "is. If a module that the task imports calls it, put the call under "
                '`if __name__ == "__main__":`, or say ignore_reinit_error=True.'
            )
        # A cell that is run again means no harm, and asks for nothing else.
        if not (hasattr(sys, "ps1") and existing.options == options):
            raise errors.AlreadyInitializedError(
                "rayx.init() was called a second time: call rayx.shutdown() before, or guard the "
                "call by `if not rayx.is_initialized():`, or keep the session that there is, with "
                "the arguments that it was started with, by ignore_reinit_error=True"
            )
        advice.give(
            existing,
            "init again",
            "rayx.init() was called again with the same arguments: the session goes on. "
            "rayx.shutdown() ends it",
        )
    # A worker has been told no more than this.
    kept = Context(existing.addresses or {"node_id": existing.client.node_id.hex()})
    kept.__dict__["_ends_session"] = False
    return kept


def shutdown() -> None:
    """Ends the session and all its processes, or leaves it, if it was joined.

    Without a session, it does nothing.

    Objects are gone with the session; arrays that were got stay valid. Called at exit by itself.
    """
    with session.changing:
        existing = session.peek()
        if existing is None or existing.mode == session.WORKER_MODE:
            return
        session.set_current(None)
        if not existing.forked:  # in a fork, it is the parent's
            existing.close()


def is_initialized() -> bool:
    """Whether this process has a session: it is a driver after `init()`, or a worker."""
    existing = session.peek()
    return existing is not None and not existing.forked
