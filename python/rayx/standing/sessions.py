"""Sessions that stand: they belong to no program, and go on until somebody stops them.

    record = sessions.start(InitOptions.checked(num_cpus=4), Standing("127.0.0.1", 6379))
    record.address                         # "127.0.0.1:6379"
    sessions.stop(record)

`rayx start` and `rayx stop` call these; `rayx.init(redis_address=…)` joins such a session.
`rayx.cluster` starts some that it does not keep, and that end with their program.
"""

from __future__ import annotations

import contextlib
import platform
import signal
import time
from pathlib import Path

from rayx import errors
from rayx.launch import process_limits, session_directory, standard_streams
from rayx.launch.init_options import InitOptions
from rayx.launch.processes import Processes, Standing
from rayx.launch.session_facts import SessionFacts
from rayx.launch.start import start_options
from rayx.records import session_records
from rayx.records.host_port import HostPort
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord

# The supervisor ends what is below it in a second or two.
_STOP_SECONDS_MAX = 10.0
# What has been killed is gone by then, unless it hangs in the kernel.
_KILL_SECONDS_MAX = 5.0


def start(options: InitOptions, where: Standing) -> SessionRecord:
    """Returns when its node serves. StartError, with nothing left behind, if it cannot be."""
    processes = launch(options, where)
    record = None
    try:
        record = enter(processes, options, where)
        processes.keep()
    except BaseException:
        processes.stop()
        if record is not None:
            record.remove()
        raise
    return record


def launch(options: InitOptions, where: Standing) -> Processes:
    """Begins to start its processes; `enter` must follow.

    What is not kept then ends with this process, and nothing of it is started again.
    """
    process_limits.check_store(options.object_store_bytes)
    session_records.make_directory()
    if where.port:
        _refuse_second(str(HostPort(where.address, where.port)))
    standard_streams.occupy()
    return Processes.launch(start_options(options, None, where))


def enter(processes: Processes, options: InitOptions, where: Standing) -> SessionRecord:
    """Waits until the node serves, and writes what is needed to find and to join it."""
    version = _own_version()  # meanwhile: what looks for it takes a while to import
    processes.wait_until_ready()
    SessionFacts(
        owner_pid=where.owner_pid,
        supervisor_pid=processes.supervisor_pid,
        python_version=platform.python_version(),
        redis_shards=options.redis_shards,
        redirect_output=options.redirect_output,
        host=where.address,
        has_control_servers=not where.head,
    ).write(processes.directory)
    record = SessionRecord(
        address=str(HostPort(where.address, processes.port)),
        session_dir=str(processes.directory),
        supervisor=ProcessIdentity.of(processes.supervisor_pid),
        started_at=time.time(),
        rayx_version=version,
        python_version=platform.python_version(),
        key_file=where.key_file,
        head=where.head,
        insecure=where.insecure,
    )
    _forget_ended(record.address)
    record.write()
    return record


def stop(record: SessionRecord) -> bool:
    """Ends a session of this user, and waits for its end; then its record is gone.

    It is told to end, and killed if it does not. False if it had ended before. StartError if
    something of it could not be ended.
    """
    supervisor = record.supervisor
    was_alive = supervisor.is_alive()
    if was_alive:
        below = _processes_below(supervisor)
        # At once: SIGTERM would have a node that has joined drained before.
        supervisor.send(signal.SIGINT)
        if not supervisor.wait(_STOP_SECONDS_MAX):
            _kill([supervisor, *below, *_processes_below(supervisor)])
    session_directory.remove(Path(record.session_dir))
    record.remove()
    return was_alive


def cut_off(supervisor: ProcessIdentity) -> None:
    """Ends all processes of a session by SIGKILL, as if at once: so does the loss of its power.

    What is not stopped before would see the end of the others, and say goodbye, or start others.
    """
    stopped = [supervisor]
    supervisor.send(signal.SIGSTOP)
    while new := [one for one in _processes_below(supervisor) if one not in stopped]:
        for process in new:
            process.send(signal.SIGSTOP)
        stopped += new
    _kill(stopped)


def _kill(processes: list[ProcessIdentity]) -> None:
    for process in processes:
        process.send(signal.SIGKILL)
    deadline = time.monotonic() + _KILL_SECONDS_MAX
    left = [one.pid for one in processes if not one.wait(max(0.0, deadline - time.monotonic()))]
    if left:
        raise errors.StartError(f"could not be ended: the processes {', '.join(map(str, left))}")


def _processes_below(root: ProcessIdentity) -> list[ProcessIdentity]:
    """Everything that it has started, and what that has started, …"""
    import psutil

    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(root.pid).children(recursive=True):
            with contextlib.suppress(ProcessLookupError):
                found.append(ProcessIdentity.of(child.pid))
    return found


def _refuse_second(address: str) -> None:
    there = session_records.find(address)
    if there is not None and there.address == address and there.supervisor.is_alive():
        raise errors.StartError(
            f"a session of yours is at {address} already. Join it by "
            f'rayx.init(redis_address="{there.cluster}"), end it by `rayx stop --address='
            f"{address}`, or choose another port"
        )


def _forget_ended(address: str) -> None:
    """Sessions that had this address before, and left records."""
    for record in session_records.read_all():
        if record.address == address and not record.supervisor.is_alive():
            stop(record)


def _own_version() -> str:
    from importlib.metadata import version

    return version("rayx")
