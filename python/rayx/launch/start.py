"""Makes a session: starts its processes, or finds those of another driver, and connects to them.

In PYTHON_MODE there are none.

`start_session(InitOptions.checked(num_cpus=2))` is the session and where its processes are.
"""

from __future__ import annotations

import os
import pickle
import platform
import time
from typing import TYPE_CHECKING, TypedDict

from rayx import _raylet, errors
from rayx._raylet import Client, OutputChannel, RayletError
from rayx.launch import joining, process_limits, programs, standard_streams
from rayx.launch.init_options import InitOptions
from rayx.launch.joining import JoinedSession
from rayx.launch.processes import Processes, Standing, StartOptions
from rayx.launch.session_facts import CONTROL_SOCKET, SessionFacts
from rayx.process import driver_config
from rayx.process.preload import Preload, import_all
from rayx.session import PYTHON_MODE, SILENT_MODE, Session

if TYPE_CHECKING:
    from rayx.process.working_dir import Packed

# A standing session has a new node well within that time.
_RESTART_SECONDS_MAX = 10.0


class AddressInfo(TypedDict):
    """Where the processes of a session are. In PYTHON_MODE, which has none, most is empty."""

    #: Everything that belongs to the session; nothing of it stays after the end.
    session_dir: str
    #: The socket that drivers and workers connect to.
    node_socket: str
    node_id: str
    #: The address by which the session knows this machine.
    node_ip_address: str
    #: What other drivers of this user give to `init` to join the session.
    redis_address: str
    #: Of the control server and its shards, which may come up a moment after `init` has returned.
    #: None on a machine that has joined a cluster: the head has them.
    redis_sockets: list[str]
    #: The process that ends all others when this one ends.
    supervisor_pid: int
    driver_id: str


def start_session(options: InitOptions) -> tuple[Session, AddressInfo]:
    """StartError, with nothing left behind, if it cannot be done."""
    if options.driver_mode == PYTHON_MODE:
        return _start_inline(options)
    standard_streams.occupy()
    if options.redis_address is not None:
        # Before, since there may be too much.
        packed = None if options.working_dir is None else _pack(options.working_dir)
        started, addresses = _join(options, options.redis_address)
        _move_workers(started, packed)
        return started, addresses
    process_limits.check_store(options.object_store_bytes)
    preload = Preload(options.preload) if options.preload else None
    processes = Processes.launch(start_options(options, preload))
    try:
        _import_meanwhile()
        processes.wait_until_ready()
        if preload is not None:
            preload.wait()
        SessionFacts(
            owner_pid=os.getpid(),
            supervisor_pid=processes.supervisor_pid,
            python_version=platform.python_version(),
            redis_shards=options.redis_shards,
            redirect_output=options.redirect_output,
            host=options.node_ip_address,
        ).write(processes.directory)
        started, addresses = _connect(options, processes)
    except BaseException:
        processes.stop()
        raise
    finally:
        if preload is not None:
            preload.close()
    if options.working_dir is not None:
        _move_workers(started, _pack(options.working_dir, has_others=False))
    return started, addresses


def _pack(directory: str, has_others: bool = True) -> Packed:
    """`has_others`: whether there may be other machines."""
    from rayx.process import working_dir

    return working_dir.pack(directory) if has_others else working_dir.Packed(directory, "", b"")


def _move_workers(started: Session, packed: Packed | None) -> None:
    """They go to the working directory before their first task."""
    if packed is None:
        return
    from rayx.process.working_copy import WorkingCopy

    setup = WorkingCopy(packed, started.client.node_id)
    started.client.add_worker_setup(pickle.dumps(setup, protocol=5))


def _import_meanwhile() -> None:
    """While the others start: what the session, and the first remote function, will need."""
    from rayx.values import by_value  # noqa: F401


def _join(options: InitOptions, redis_address: str) -> tuple[Session, AddressInfo]:
    joined = JoinedSession.find(redis_address, options.node_ip_address)
    deadline = time.monotonic() + _RESTART_SECONDS_MAX
    try:
        _import_meanwhile()
        while True:
            if joined.note_node():
                try:
                    return _connect(options, joined)
                except errors.StartError:
                    if not joined.is_node_away():
                        raise
            if time.monotonic() > deadline:
                raise joined.refusal("its node is not there")
            joined.pause()
    except BaseException:
        joined.stop()
        raise


def _start_inline(options: InitOptions) -> tuple[Session, AddressInfo]:
    from rayx.inline.client import InlineClient

    import_all(options.preload)
    amounts = {"CPU": options.num_cpus, "GPU": options.num_gpus, **options.resources}
    client = InlineClient(
        {name: amount for name, amount in amounts.items() if amount > 0},
        options.object_store_bytes,
        options.object_id_seed,
    )
    session = Session(client, PYTHON_MODE)
    session.hints = options.hints
    session.innermost = client.innermost
    addresses = AddressInfo(
        session_dir="",
        node_socket="",
        node_id=client.node_id.hex(),
        node_ip_address="",
        redis_address="",
        redis_sockets=[],
        supervisor_pid=0,
        driver_id=client.driver_id.hex(),
    )
    return session, addresses


def start_options(
    options: InitOptions, preload: Preload | None, standing: Standing | None = None
) -> StartOptions:
    """What the processes of the session are started with."""
    return StartOptions(
        supervisor=programs.find_daemon(programs.SUPERVISOR, _raylet.LIBRARY),
        control_server=programs.find_control_server(),
        redis_shards=options.redis_shards,
        num_cpus=options.num_cpus,
        num_gpus=options.num_gpus,
        resources=options.resources,
        object_store_bytes=options.object_store_bytes,
        num_workers=options.num_workers,
        redirect_output=options.redirect_output,
        host=options.node_ip_address,
        search_path=driver_config.search_path(),
        template_arguments=() if preload is None else preload.template_arguments(),
        standing=standing,
    )


def _connect(
    options: InitOptions, processes: Processes | JoinedSession
) -> tuple[Session, AddressInfo]:
    driver_id = os.urandom(16)
    node_socket = str(processes.node_socket)
    version = platform.python_version()
    client = None
    try:
        config = driver_config.capture(
            options.object_id_seed, options.hints, options.working_dir is not None
        )
        client = Client.connect_driver(node_socket, driver_id, version, config)
        if options.object_id_seed is not None:
            client.seed_ids(options.object_id_seed)
        channel = OutputChannel.connect(node_socket, driver_id, version)
    except RayletError as error:
        if client is not None:
            client.close()
        if isinstance(processes, JoinedSession):
            raise processes.refusal(error.message) from None
        raise errors.StartError(f"cannot connect to the node: {error.message}") from None
    from rayx.output import OutputPrinter

    output = OutputPrinter(
        channel,
        prints_errors=options.driver_mode != SILENT_MODE,
        has_reference=client.has_reference,
    )
    output.start()
    count, host = options.redis_shards + 1, options.node_ip_address
    if isinstance(processes, JoinedSession):
        count, host = processes.control_servers, processes.host
    # Not looked for: they may come up after the node.
    redis_sockets = [
        str(processes.directory / CONTROL_SOCKET.format(number)) for number in range(count)
    ]
    address = (
        processes.address
        if isinstance(processes, JoinedSession)
        else joining.SCHEME + redis_sockets[0]
    )
    addresses = AddressInfo(
        session_dir=str(processes.directory),
        node_socket=node_socket,
        node_id=client.node_id.hex(),
        node_ip_address=host,
        redis_address=address,
        redis_sockets=redis_sockets,
        supervisor_pid=processes.supervisor_pid,
        driver_id=driver_id.hex(),
    )
    news = driver_config.DriverNews(config)
    session = Session(client, options.driver_mode, processes, output, news)
    session.hints = options.hints
    session.has_seed = options.object_id_seed is not None
    return session, addresses
