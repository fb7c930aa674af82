"""HOST:PORT, as people write it: the address of a node, with IPv6 addresses in brackets.

>>> parse("head:6379"), str(parse("[2001:db8::7]:6379"))
(HostPort(host='head', port=6379), '[2001:db8::7]:6379')
>>> parse("2001:db8::7:6379") is None, addresses_of("127.0.0.1")
(True, ['127.0.0.1'])
"""

from __future__ import annotations

import socket
from typing import NamedTuple

PORT_MAX = 65_535
#: The machine itself, reached without a network.
LOOPBACK = "127.0.0.1"
_LOOPBACKS = (LOOPBACK, "localhost", "::1")


class HostPort(NamedTuple):
    """A port of a machine."""

    #: A name, or an address without brackets.
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(text: str) -> HostPort | None:
    """None if it is no "HOST:PORT". Names of the machine itself become 127.0.0.1."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or not 0 < int(port) <= PORT_MAX:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_address(host, socket.AF_INET6):
            return None
    elif not host or not set(host).isdisjoint(":[]/ \t\r\n"):
        return None
    return HostPort(LOOPBACK if host in _LOOPBACKS else host, int(port))


def parse_host(text: str) -> str:
    """An address without brackets; 127.0.0.1 for names of the machine itself."""
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    return LOOPBACK if text in _LOOPBACKS else text


def addresses_of(host: str) -> list[str]:
    """The addresses of a name, in the order of the system; an address is its own.

    OSError if the name is not known, or cannot be looked up.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:  # a name that cannot be one, such as "a..b"
        raise OSError(f"{host!r} is no name of a machine") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolved(text: str) -> list[str]:
    """ "HOST:PORT" with an address in place of a name: one for each that the name has.

    REQUIRES: `parse` takes it. OSError as of `addresses_of`.
    """
    host, port = parse(text) or ("", 0)
    return [str(HostPort(address, port)) for address in addresses_of(host)]


def is_loopback(address: str) -> bool:
    """Whether only processes of this machine can reach it."""
    return address.startswith("127.") or address == "::1"


def own_address_towards(address: str) -> str:
    """The address that this machine would use to reach another one. OSError if there is no way."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))  # nothing is sent: the kernel only looks for the way
        own: str = probe.getsockname()[0]
    return own


def _is_address(text: str, family: socket.AddressFamily) -> bool:
    try:
        socket.inet_pton(family, text)
    except (OSError, ValueError):
        return False
    return True
