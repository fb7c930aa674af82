"""Writes messages as FlatBuffers lay them out, for tests that play the node.

>>> write({0: uint32(7), 3: "text", 4: [{0: b"bytes"}]})

A table is a dict from the number of a field to its value: a number or struct made by one of the
functions below, bytes, a str, a dict, or a list: of dicts, or of numbers made by `uint32`.
"""

import struct


class Plain(bytes):
    """A number or a struct, stored in its table; aligned to its size, or to `align`."""

    align = 0


def uint8(value):
    return Plain(struct.pack("<B", value))


def uint32(value):
    return Plain(struct.pack("<I", value))


def uint64(value):
    return Plain(struct.pack("<Q", value))


def byte_struct(value):
    """Ids are structs of bytes."""
    plain = Plain(value)
    plain.align = 1
    return plain


def write(table):
    """The message, as the payload of a frame."""
    out = bytearray(4)
    out[:4] = struct.pack("<I", _table(out, table))
    return bytes(out)


def frame(message_type, table):
    """The message as it goes over a socket (cpp/common/io/frame.h)."""
    payload = write(table)
    padding = bytes(-len(payload) % 8)
    return struct.pack("<IHH", len(payload), message_type, 0) + payload + padding


def _pad(out, size, behind=0):
    while (len(out) + behind) % size:
        out.append(0)


def _table(out, table):
    """Where it starts. What it refers to lies behind it."""
    places, end = {}, 4
    for field, value in table.items():
        size = len(value) if type(value) is Plain else 4
        align = (value.align or size) if type(value) is Plain else 4
        end = -(-end // align) * align
        places[field] = end
        end += size
    count = max(table, default=-1) + 1
    _pad(out, 2)
    vtable = len(out)
    out += struct.pack("<HH", 4 + 2 * count, end)
    out += b"".join(struct.pack("<H", places.get(field, 0)) for field in range(count))
    _pad(out, 8)
    start = len(out)
    out += struct.pack("<i", start - vtable) + bytes(end - 4)
    for field, value in table.items():
        place = start + places[field]
        if type(value) is Plain:
            out[place : place + len(value)] = value
        else:
            _refer(out, place, value)
    return start


def _refer(out, place, value):
    if isinstance(value, dict):
        target = _table(out, value)
    else:
        _pad(out, 8, behind=4)
        target = len(out)
        out += struct.pack("<I", len(value.encode() if isinstance(value, str) else value))
        if isinstance(value, list):
            out += b"".join(item if type(item) is Plain else bytes(4) for item in value)
            for index, item in enumerate(value):
                if type(item) is not Plain:
                    _refer(out, target + 4 + 4 * index, item)
        else:
            out += value.encode() + b"\0" if isinstance(value, str) else value
    out[place : place + 4] = struct.pack("<I", target - place)
