"""Which sessions a command is about: all that this user has here, or those that --address names.

for record in chosen.records("head:6379"): ...
"""

from __future__ import annotations

from rayx import errors
from rayx.records import host_port, session_records
from rayx.records.session_records import SessionRecord


def records(address: str | None) -> list[SessionRecord]:
    """`address`: as it was typed; None: of all. Oldest first.

    ValueError if it is no address. StartError if its name is not known.
    """
    if address is None:
        return session_records.read_all()
    from rayx.launch.init_options import session_address

    checked = session_address("--address", address)
    if host_port.parse(checked) is None:  # the socket of a session, which has no record
        return []
    try:
        resolved = host_port.resolved(checked)
    except OSError as error:
        raise errors.StartError(f"--address={address}: its name is not known: {error}") from None
    return [record for one in resolved for record in session_records.named(one)]
