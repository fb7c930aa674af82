"""Makes a session: starts its processes and connects to them. (In PYTHON_MODE there are none.)

`start_session(InitOptions.checked(num_cpus=2))` is the session and where its processes are.
"""

from __future__ import annotations

import os
import platform
from typing import TypedDict

from rayx import _raylet, driver_config, programs
from rayx._raylet import Client, OutputChannel, RayletError
from rayx.init_options import InitOptions
from rayx.output import OutputPrinter
from rayx.preload import Preload, import_all
from rayx.processes import Processes, StartOptions
from rayx.session import PYTHON_MODE, SILENT_MODE, Session

# Where the supervisor has the control servers listen, the primary first (cpp/daemon/supervisor.cc).
_CONTROL_SOCKET = "control-{}/redis.sock"


class AddressInfo(TypedDict):
    """Where the processes of a session are. In PYTHON_MODE, which has none, most is empty."""

    #: Everything that belongs to the session; nothing of it stays after the end.
    session_dir: str
    #: The socket that drivers and workers connect to.
    node_socket: str
    node_id: str
    #: Of the control server and its shards, which may come up a moment after `init` has returned.
    redis_sockets: list[str]
    #: The process that ends all others when this one ends.
    supervisor_pid: int
    driver_id: str


def start_session(options: InitOptions) -> tuple[Session, AddressInfo]:
    """StartError, with nothing left behind, if it cannot be done."""
    if options.driver_mode == PYTHON_MODE:
        return _start_inline(options)
    preload = Preload(options.preload) if options.preload else None
    processes = Processes.launch(_start_options(options, preload))
    # Imported while the others start: the first remote function will need it.
    import cloudpickle  # noqa: F401

    try:
        processes.wait_until_ready()
        if preload is not None:
            preload.wait()
        return _connect(options, processes)
    except BaseException:
        processes.stop()
        raise
    finally:
        if preload is not None:
            preload.close()


def _start_inline(options: InitOptions) -> tuple[Session, AddressInfo]:
    from rayx.inline_client import InlineClient

    import_all(options.preload)
    amounts = {"CPU": options.num_cpus, "GPU": options.num_gpus, **options.resources}
    client = InlineClient(
        {name: amount for name, amount in amounts.items() if amount > 0},
        options.object_store_bytes,
        options.object_id_seed,
    )
    session = Session(client, PYTHON_MODE)
    session.innermost = client.innermost
    addresses = AddressInfo(
        session_dir="",
        node_socket="",
        node_id=client.node_id.hex(),
        redis_sockets=[],
        supervisor_pid=0,
        driver_id=client.driver_id.hex(),
    )
    return session, addresses


def _start_options(options: InitOptions, preload: Preload | None) -> StartOptions:
    return StartOptions(
        supervisor=programs.find_daemon(programs.SUPERVISOR, _raylet.__file__),
        control_server=programs.find_control_server(),
        redis_shards=options.redis_shards,
        num_cpus=options.num_cpus,
        num_gpus=options.num_gpus,
        resources=options.resources,
        object_store_bytes=options.object_store_bytes,
        num_workers=options.num_workers,
        redirect_output=options.redirect_output,
        search_path=driver_config.search_path(),
        template_arguments=() if preload is None else preload.template_arguments(),
    )


def _connect(options: InitOptions, processes: Processes) -> tuple[Session, AddressInfo]:
    driver_id = os.urandom(16)
    node_socket = str(processes.node_socket)
    version = platform.python_version()
    client = None
    try:
        client = Client.connect_driver(node_socket, driver_id, version, driver_config.capture())
        if options.object_id_seed is not None:
            client.seed_ids(options.object_id_seed)
        channel = OutputChannel.connect(node_socket, driver_id, version)
    except RayletError as error:
        if client is not None:
            client.close()
        from rayx import errors

        raise errors.StartError(f"cannot connect to the node: {error.message}") from None
    output = OutputPrinter(channel, prints_errors=options.driver_mode != SILENT_MODE)
    output.start()
    addresses = AddressInfo(
        session_dir=str(processes.directory),
        node_socket=node_socket,
        node_id=client.node_id.hex(),
        # Not looked for: they may come up after the node.
        redis_sockets=[
            str(processes.directory / _CONTROL_SOCKET.format(number))
            for number in range(options.redis_shards + 1)
        ],
        supervisor_pid=processes.supervisor_pid,
        driver_id=driver_id.hex(),
    )
    return Session(client, options.driver_mode, processes, output), addresses
