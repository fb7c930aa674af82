"""`rayx stop`: ends what this user has started on this machine, and says what it was.

rayx stop                              all sessions
rayx stop --address=127.0.0.1:6379     one
"""

from __future__ import annotations

from argparse import Namespace

from rayx.command import standing
from rayx.records import session_records


def run(options: Namespace) -> int:
    """Nothing to do is no failure, unless a session was named."""
    records = session_records.read_all()
    if options.address is not None:
        from rayx.launch.init_options import session_address

        address = session_address("--address", options.address)
        records = [record for record in records if record.address == address]
    for record in records:
        why = record.why_it_ended()
        if standing.stop(record):
            print(f"Stopped the session at {record.address} (pid {record.supervisor.pid}).")
        else:
            print(f"The session at {record.address} had ended: {why}. Its record is removed.")
    if not records:
        where = "" if options.address is None else f" at {options.address}"
        print(f"There is no session of yours{where} on this machine.")
    return 1 if options.address is not None and not records else 0
