"""`rayx stop`: ends what this user has started on this machine, and says what it was.

rayx stop                              all sessions
rayx stop --address=127.0.0.1:6379     one; of a cluster, this machine's part of it
"""

from __future__ import annotations

from argparse import Namespace

from rayx.command import chosen
from rayx.standing import sessions


def run(options: Namespace) -> int:
    """Nothing to do is no failure, unless a session was named."""
    records = chosen.records(options.address)
    for record in records:
        what = f"node of the cluster {record.head}" if record.head else "session"
        why = record.why_it_ended()
        if sessions.stop(record):
            print(f"Stopped the {what} at {record.address} (pid {record.supervisor.pid}).")
        else:
            print(f"The {what} at {record.address} had ended: {why}. Its record is removed.")
    if not records:
        where = "" if options.address is None else f" at {options.address}"
        print(f"There is no session of yours{where} on this machine.")
    return 1 if options.address is not None and not records else 0
