"""The compiled doorway, on a connection whose other end only says welcome."""

import array
import contextlib
import enum
import fcntl
import math
import os
import pickle
import signal
import socket
import struct
import threading
import weakref
from random import Random

import pytest

from rayx import _raylet
from rayx._raylet import Client, ObjectID, RayletError, TaskTemplate

POOL_BYTES = 1 << 20
F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_GROW = 1033, 2, 4


def welcome_frame():
    """A Welcome message as FlatBuffers lay it out: root, table of field offsets, fields."""
    root = struct.pack("<I", 16)
    offsets = struct.pack("<HHHHH", 10, 32, 4, 16, 8) + b"\0\0"
    table = struct.pack("<iIQ", 12, _raylet.PROTOCOL_VERSION, POOL_BYTES) + b"n" * 16
    payload = root + offsets + table
    return struct.pack("<IHH", len(payload), 2, 0) + payload


@pytest.fixture
def listener(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        yield path, server


def serve(server):
    """Accepts one client, says welcome, and reads until it leaves."""
    with contextlib.suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.recv(1 << 16)
            pool = os.memfd_create("pool", os.MFD_ALLOW_SEALING)
            os.ftruncate(pool, POOL_BYTES + 4096)  # limits::kAffinityHintBytes
            fcntl.fcntl(pool, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)
            fds = array.array("i", [pool]).tobytes()
            connection.sendmsg([welcome_frame()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            os.close(pool)
            while connection.recv(1 << 16):
                pass


@pytest.fixture
def client(listener):
    path, server = listener
    node = threading.Thread(target=serve, args=(server,))
    node.start()
    connected = Client.connect_driver(path, b"d" * 16, "3.11", b"config")
    yield connected
    connected.close()
    node.join(10)
    assert not node.is_alive()


def make_object(kind, stream, *buffers):
    """An object as object_layout.h describes it."""
    entries, end = [], 16 + 16 * len(buffers) + len(stream)
    body = bytearray(stream)
    for buffer in buffers:
        start = -(-end // 64) * 64
        body += bytes(start - end) + buffer
        entries.append(struct.pack("<QQ", start, len(buffer)))
        end = start + len(buffer)
    return struct.pack("<BBHIQ", kind, 1, 0, len(buffers), len(stream)) + b"".join(entries) + body


def test_split_object():
    data = make_object(_raylet.KIND_PICKLE, b"stream", b"one", b"")
    parts = _raylet.split_object(data)
    assert parts.kind == _raylet.KIND_PICKLE
    assert bytes(parts.stream) == b"stream"
    assert [bytes(buffer) for buffer in parts.buffers] == [b"one", b""]
    assert parts.nbytes == len(data)
    assert bytes(memoryview(parts)) == data


def test_a_pickle_without_buffers():
    assert (
        bytes(_raylet.split_object(make_object(_raylet.KIND_PICKLE, b"whole")).pickle) == b"whole"
    )
    for other in (make_object(_raylet.KIND_PICKLE, b"part", b"one"), make_object(2, b"error")):
        assert _raylet.split_object(other).pickle is None


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 100_000])
def test_a_small_stream_is_copied(size):
    stream = _raylet.split_object(make_object(_raylet.KIND_PICKLE, b"s" * size)).stream
    assert bytes(stream) == b"s" * size
    assert isinstance(stream, bytes) == (size <= 1024)
    assert isinstance(stream, bytes) or stream.readonly


def test_a_view_outlives_its_buffer():
    stream = _raylet.split_object(make_object(1, b"stream" * 1000)).stream
    assert bytes(stream) == b"stream" * 1000


@pytest.mark.parametrize("data", [b"", b"x" * 15, make_object(9, b""), make_object(1, b"ab")[:-1]])
def test_split_object_refuses_nonsense(data):
    with pytest.raises(RayletError) as caught:
        _raylet.split_object(data)
    assert caught.value.code == "ProtocolError"


@pytest.mark.parametrize(
    "kind", [ObjectID, Client, _raylet.ObjectBuffer, _raylet.RunnableTask, _raylet.OutputChannel]
)
def test_nothing_is_made_by_hand_or_derived_from(kind):
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(TypeError):
        type("Derived", (kind,), {})


def test_object_id_can_be_subscripted():
    assert ObjectID[int].__origin__ is ObjectID


def test_task_template_checks_its_resources():
    TaskTemplate(b"f" * 16, "f", {"CPU": 0.5, "widget": 2}, 2, {"max_retries": -1})
    with pytest.raises(RayletError, match="InvalidArgument"):
        TaskTemplate(b"f" * 16, "f", {"CPU": -1.0}, 1, {})
    with pytest.raises(ValueError):
        TaskTemplate(b"short", "f", {}, 1, {})


def test_error_has_code_and_message_and_pickles():
    error = pickle.loads(pickle.dumps(RayletError("StoreFull", "no room")))
    assert (error.code, error.message) == ("StoreFull", "no room")
    assert str(error) == "StoreFull: no room"


def test_no_node():
    with pytest.raises(RayletError) as caught:
        Client.connect_driver("/nowhere/at/all", b"d" * 16, "3.11", b"")
    assert caught.value.code == "IoError"


def test_connection(client):
    assert client.node_id == b"n" * 16
    assert client.pool_bytes == POOL_BYTES
    assert not client.closed
    assert client.fileno() >= 0
    client.close()
    assert client.closed
    with pytest.raises(RayletError) as caught:
        client.put(1, b"x", None, None)
    assert caught.value.code == "Disconnected"


def test_put_and_get_with_all_kinds_of_buffers(client):
    buffers = [b"one", bytearray(b"two"), memoryview(b"three"), pickle.PickleBuffer(b"four")]
    held = client.put(_raylet.KIND_PICKLE, b"stream", buffers, None)
    (got,) = client.get([held], 0)
    assert bytes(got.stream) == b"stream"
    assert [bytes(buffer) for buffer in got.buffers] == [b"one", b"two", b"three", b"four"]
    buffers[1] += b"can grow: nothing of it is lent any more"
    assert client.get((held, held), 0)[1].nbytes == got.nbytes
    assert client.wait([held], 1, 0) == [True]


def test_wrong_arguments(client):
    with pytest.raises(TypeError, match="ObjectID"):
        client.get([b"x" * 20], 0)
    with pytest.raises(TypeError):
        client.put(1, 5, None, None)
    with pytest.raises(TypeError):
        client.put(1, b"x", ["text"], None)
    with pytest.raises(ValueError):
        client.object_id(b"short")


def test_submit_and_time_out(client):
    template = TaskTemplate(b"f" * 16, "f", {"CPU": 1.0}, 3, {})
    one = client.put(1, b"x", None, None)
    ids = client.submit(template, b"stream", [bytearray(10)], [one], [one])
    assert len(set(ids)) == 3
    assert client.submit(template, None, None, None, None) != ids
    assert client.wait(ids, 1, 10) == [False] * 3
    with pytest.raises(RayletError) as caught:
        client.get(ids, 10)
    assert caught.value.code == "TimedOut"
    assert caught.value.message.startswith("3 of 3")


def test_object_id(client):
    binary = bytes(range(20))
    one, other = client.object_id(binary), client.object_id(binary)
    assert one == other and hash(one) == hash(other) and one is not other
    assert one != client.object_id(bytes(20)) and one > client.object_id(bytes(20))
    assert one != binary
    assert one.binary() == binary
    assert repr(one) == f"ObjectID({binary.hex()})"
    assert weakref.ref(one)() is one


def test_pickling_goes_through_the_hooks(client):
    from rayx import session

    noted = []
    one = client.object_id(bytes(range(20)))
    _raylet.set_object_id_hooks(noted.append, rebuild)
    try:
        assert pickle.loads(pickle.dumps([one])) == [("rebuilt", one.binary())]
    finally:
        _raylet.set_object_id_hooks(session.note_pickled, session.rebuild_object_id)
    assert noted == [one]


def rebuild(binary):
    return ("rebuilt", binary)


class Alarm(Exception):
    pass


def test_a_signal_ends_a_get_and_harms_nothing(client):
    def raise_alarm(number, frame):
        raise Alarm

    (pending,) = client.submit(TaskTemplate(b"f" * 16, "f", {}, 1, {}), None, None, None, None)
    before = signal.signal(signal.SIGALRM, raise_alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Alarm):
            client.get([pending], -1)
        signal.signal(signal.SIGALRM, lambda number, frame: None)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(RayletError, match="TimedOut"):
            client.get([pending], 60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert client.get([client.put(1, b"x", None, None)], 0)


def test_a_forked_child_gets_a_clear_error(client):
    held = client.put(1, b"x", None, None)
    child = os.fork()
    if child == 0:
        try:
            client.get([held], 0)
        except RayletError as error:
            os._exit(0 if error.code == "Forked" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.get([held], 0)


PLAIN = [
    None, True, False, 0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1,
    2**100, 0.0, -0.0, 1.5, 1e300, math.inf, -math.inf, "", "a", "a\0b", "x" * 255, "x" * 256, "é",
    "\U0001f600", b"", b"ab", {"a": 1}, [1, 2.5], ("a", None),
]  # fmt: skip


class Whole(enum.IntEnum):
    ONE = 1


class Text(str):
    pass


@pytest.mark.parametrize("value", [*PLAIN, Whole.ONE, Text("a"), "\ud800"], ids=repr)
def test_plain_pickles_are_pickles(value):
    pickled = dump(value)
    if pickled is None:
        return
    for loaded in (
        pickle.loads(pickled),
        load(pickled),
        load(pickle.dumps(value, 5)),
    ):
        assert type(loaded) is type(value)
        assert repr(loaded) == repr(value)


def load(pickled):
    stored = _raylet.split_object(make_object(_raylet.KIND_PICKLE, pickled))
    return _raylet.load_pickle(stored)


def dump(value):
    """None, after a check, if pickle refuses it as well."""
    try:
        expected = pickle.dumps(value, 5)
    except Exception as error:
        with pytest.raises(type(error)):
            _raylet.dump_plain(value)
        return None
    pickled = _raylet.dump_plain(value)
    assert len(pickled) <= len(expected) + 3
    return pickled


def test_what_is_not_one_pickle_is_told_so():
    beside = make_object(_raylet.KIND_PICKLE, pickle.dumps(1), b"buffer")
    for stored in (make_object(_raylet.KIND_BYTES, b"bytes"), beside):
        assert _raylet.load_pickle(_raylet.split_object(stored)) is _raylet.NOT_ONE_PICKLE


def test_a_nan_stays_one():
    assert math.isnan(load(_raylet.dump_plain(math.nan)))


def outcome(unpickle, pickled):
    try:
        return repr(unpickle(pickled))
    except Exception as error:
        return type(error)


# Opcodes of plain values; others could take gigabytes, or call something.
PLAIN_BYTES = b"\x80\x05NJKMG\x88\x89\x8c.\x00\xff"


def test_whatever_the_bytes_are_they_mean_what_pickle_says():
    random = Random(0)
    seeds = [make(value) for value in PLAIN[:28] for make in (_raylet.dump_plain, pickle.dumps)]
    for _ in range(20_000):
        bytes_ = bytearray(random.choice(seeds))
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(len(bytes_))
            match random.randrange(3):
                case 0:
                    bytes_[place] = random.choice(PLAIN_BYTES)
                case 1:
                    del bytes_[place:]
                    bytes_ += b"."
                case 2:
                    bytes_.insert(place, random.choice(PLAIN_BYTES))
        pickled = bytes(bytes_)
        assert outcome(load, pickled) == outcome(pickle.loads, pickled), pickled
