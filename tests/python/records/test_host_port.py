import socket

import pytest

from rayx.records import host_port
from rayx.records.host_port import HostPort


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("192.0.2.7:6379", ("192.0.2.7", 6379)),
        ("head-1.example:06379", ("head-1.example", 6379)),
        ("[2001:db8::7]:1", ("2001:db8::7", 1)),
        ("localhost:65535", ("127.0.0.1", 65535)),
        ("[::1]:1", ("127.0.0.1", 1)),
        ("127.0.0.2:1", ("127.0.0.2", 1)),
    ],
)
def test_is_read(text, parsed):
    assert host_port.parse(text) == parsed


@pytest.mark.parametrize(
    "text",
    ["", ":1", "head", "head:", "head:x", "head:-1", "head:0", "head:65536", "head:\u0661", "a b:1"]
    + ["a/b:1", "2001:db8::7:1", "::1:1", "[head]:1", "[1.2.3.4]:1", "[2001:db8::7:1", "[]:1"],
)
def test_is_none(text):
    assert host_port.parse(text) is None


def test_is_written_as_it_is_read():
    for text in ("192.0.2.7:6379", "[2001:db8::7]:1"):
        assert str(host_port.parse(text)) == text
    assert str(HostPort("head", 1)) == "head:1"


def test_hosts_alone():
    given = ["[2001:db8::7]", "2001:db8::7", "192.0.2.7", "localhost", "[::1]", "::1"]
    assert [host_port.parse_host(text) for text in given] == [
        "2001:db8::7",
        "2001:db8::7",
        "192.0.2.7",
        *["127.0.0.1"] * 3,
    ]


def test_which_addresses_others_cannot_reach():
    local = ["127.0.0.1", "127.9.9.9", "::1"]
    assert all(map(host_port.is_loopback, local))
    assert not any(map(host_port.is_loopback, ["192.0.2.7", "2001:db8::1", "12.7.0.1"]))


def test_names_are_looked_up(monkeypatch):
    assert host_port.addresses_of("192.0.2.7") == ["192.0.2.7"]
    assert host_port.addresses_of("2001:db8::7") == ["2001:db8::7"]
    for name in ("a..b", "x" * 300):
        with pytest.raises(OSError, match="name|Name"):
            host_port.addresses_of(name)

    def look_up(host, port, **options):
        assert (host, port) == ("head", None)
        addresses = ["192.0.2.7", "192.0.2.7", "192.0.2.8"]
        return [(socket.AF_INET, 1, 6, "", (one, 0)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert host_port.addresses_of("head") == ["192.0.2.7", "192.0.2.8"]


def test_the_own_address_is_that_of_the_way():
    assert host_port.own_address_towards("127.0.0.1") == "127.0.0.1"
    with pytest.raises(OSError):
        host_port.own_address_towards("255.255.255.255")
