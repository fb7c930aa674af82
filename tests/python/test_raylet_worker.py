"""The compiled doorway of a worker, and of what drivers do with actors; the test plays the node."""

import array
import fcntl
import mmap
import os
import select
import socket
import struct
import threading

import pytest
from message_writer import byte_struct, frame, uint8, uint32, uint64, write

from rayx import _raylet
from rayx._raylet import Client, ObjectID, RayletError, RunnableTask, TaskTemplate

F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_GROW = 1033, 2, 4
POOL_BYTES = 1 << 20
WELCOME, SUBMIT_TASK, RUN_TASK, TASK_DONE = 2, 10, 14, 15
CANCEL_TASK, KILL_ACTOR, ADD_WORKER_SETUP = 19, 20, 21
OBJECTS_READY, ADD_REFERENCES, QUERY, ANSWER = 36, 38, 50, 51
NAMED_ACTOR_REPLY = 4
CREATION = b"a" * 16


def shared_memory(size):
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)
    return fd


def make_object(stream):
    return struct.pack("<BBHIQ", _raylet.KIND_PICKLE, 1, 0, 0, len(stream)) + stream


class Node:
    """The node's end of a connection."""

    def __init__(self, connection):
        self.connection = connection
        self._received = b""

    def welcome(self):
        self.next()
        pool = shared_memory(POOL_BYTES + 4096)  # limits::kAffinityHintBytes
        welcome = {
            0: uint32(_raylet.PROTOCOL_VERSION),
            1: byte_struct(b"n" * 16),
            2: uint64(POOL_BYTES),
        }
        fds = array.array("i", [pool]).tobytes()
        self.connection.sendmsg(
            [frame(WELCOME, welcome)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        )
        os.close(pool)

    def next(self):
        """(type, payload) of the next message."""
        header = self._read(8)
        size, message_type, _ = struct.unpack("<IHH", header)
        return message_type, self._read(-(-size // 8) * 8)

    def send(self, message_type, table):
        self.connection.sendall(frame(message_type, table))

    def make_ready(self, object_id, stream):
        value = {0: byte_struct(object_id.binary()), 1: make_object(stream)}
        self.send(OBJECTS_READY, {0: [value]})

    def _read(self, size):
        while len(self._received) < size:
            more = self.connection.recv(1 << 16)
            assert more, "the client has left"
            self._received += more
        read, self._received = self._received[:size], self._received[size:]
        return read


@pytest.fixture
def node():
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    with ours, theirs:
        made = Node(ours)
        made.client_socket = theirs
        yield made


def connect(node, make):
    """What `make` returns, while the node says welcome."""
    greeter = threading.Thread(target=node.welcome)
    greeter.start()
    client = make()
    greeter.join(10)
    return client


class Claims(mmap.mmap):
    """The memory that a worker shares with its node."""

    fd: int


@pytest.fixture
def claims():
    fd = shared_memory(32)
    with Claims(fd, 32) as memory:
        memory.fd = fd
        yield memory
    os.close(fd)


@pytest.fixture
def worker(node, claims):
    client = connect(
        node,
        lambda: Client.adopt_worker(os.dup(node.client_socket.fileno()), os.dup(claims.fd), 3, "3"),
    )
    yield client
    client.close()


@pytest.fixture
def driver(node, tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        client = []
        connecting = threading.Thread(
            target=lambda: client.append(Client.connect_driver(path, b"d" * 16, "3", b""))
        )
        connecting.start()
        node.connection.close()
        node.connection, _ = server.accept()
        node.connection.settimeout(10)
        node.welcome()
        connecting.join(10)
    yield client[0]
    client[0].close()
    node.connection.close()


def run_task(sequence, spec, extra=None):
    return {0: uint32(sequence), 2: write(spec), **(extra or {})}


def spec_of(task_id=b"t" * 16, extra=None):
    ids = {0: byte_struct(task_id), 1: byte_struct(b"d" * 16), 2: byte_struct(b"f" * 16)}
    return {**ids, 3: "Counter.add", **(extra or {})}


def hand_out(claims, count):
    """The worker may begin the tasks below this number."""
    claims[4:8] = struct.pack("<I", count)


def test_a_call_of_an_actor(node, worker, claims):
    extra = {
        10: uint8(_raylet.KIND_ACTOR_CALL),
        11: byte_struct(CREATION),
        12: "add",
        15: {3: uint64(1500)},
    }
    table = run_task(
        0, spec_of(extra=extra), {5: [uint32(2), uint32(0)], 6: [{0: b"one"}, {0: b"two"}]}
    )
    node.send(RUN_TASK, table)
    hand_out(claims, 1)
    task = worker.next_task()
    assert task.sequence == 0
    assert task.kind == _raylet.KIND_ACTOR_CALL
    assert task.actor_id == CREATION
    assert task.method == "add"
    assert task.options["timeout_ms"] == 1500
    assert task.setups == [b"one", b"two"]
    assert task.num_cpus == 0
    assert task.gpu_ids == [2, 0]
    assert task.state is None


def test_a_creation_that_goes_on_where_another_ended(node, worker, claims):
    state = b"s" * 20
    extra = {10: uint8(_raylet.KIND_ACTOR_CREATION), 15: {1: uint32(5)}}
    node.send(RUN_TASK, run_task(0, spec_of(extra=extra), {7: byte_struct(state)}))
    hand_out(claims, 1)
    task = worker.next_task()
    assert task.kind == _raylet.KIND_ACTOR_CREATION
    assert task.options["max_concurrency"] == 5
    assert task.num_cpus == 1
    assert task.actor_id == bytes(16)
    assert isinstance(task.state, ObjectID)
    assert task.state.binary() == state
    worker.finish_task(task, None, False, False, task.state)
    assert node.next()[0] == ADD_REFERENCES
    message_type, done = node.next()
    assert message_type == TASK_DONE
    assert state in done


def test_several_tasks_are_open_and_any_thread_ends_them(node, worker, claims):
    for sequence, task_id in enumerate((b"1" * 16, b"2" * 16)):
        node.send(RUN_TASK, run_task(sequence, spec_of(task_id)))
    hand_out(claims, 2)
    first, second = worker.next_task(), worker.next_task()
    assert (first.task_id, second.task_id) == (b"1" * 16, b"2" * 16)

    def end(task, stream):
        worker.put_result(task, 0, _raylet.KIND_PICKLE, stream, None, None)
        worker.finish_task(task, "it raised", True, True)

    for task, stream in ((second, b"of the second"), (first, b"of the first")):
        thread = threading.Thread(target=end, args=(task, stream))
        thread.start()
        thread.join(10)
        message_type, done = node.next()
        assert message_type == TASK_DONE
        assert stream in done and task.task_id in done
    with pytest.raises(RayletError, match="not open"):
        worker.finish_task(first, None, False, False)
    with pytest.raises(RayletError, match="not open"):
        worker.put_result(first, 0, _raylet.KIND_PICKLE, b"", None, None)
    with pytest.raises(TypeError):
        worker.finish_task(None, None, False, False)


def test_results_are_stored_up_to_the_first_that_cannot_be(node, worker, claims):
    node.send(RUN_TASK, run_task(0, spec_of(b"1" * 16)))
    hand_out(claims, 1)
    task = worker.next_task()
    kind = _raylet.KIND_PICKLE
    results = [(kind, b"of the task", [], ()), (kind, b"one too many", (), None)]
    assert worker.put_results(task, results, 0) == task.num_return_vals == 1
    with pytest.raises(RayletError, match="has only 1 results"):
        worker.put_results(task, results, 1)
    assert worker.put_results(task, results, 2) == 2
    worker.finish_task(task, None, False, False)
    message_type, done = node.next()
    assert message_type == TASK_DONE
    assert b"of the task" in done


def test_interrupts_are_seen_without_a_message(worker, claims):
    assert worker.interrupt() == (0, 0)
    claims[8:16] = struct.pack("<IBxxx", 77, 2)
    assert worker.interrupt() == (77, 2)


def test_task_templates_of_actors(node, driver):
    creation = TaskTemplate(
        b"f" * 16,
        "Counter",
        {},
        1,
        {"max_retries": -1, "max_concurrency": 3, "priority": -2, "timeout_ms": 10},
        kind=_raylet.KIND_ACTOR_CREATION,
        actor_name="counter",
        actor_info=b"\0info",
    )
    (actor,) = driver.submit(creation, None, None, None, None)
    message_type, spec = node.next()
    assert message_type == SUBMIT_TASK
    assert b"counter\0" in spec and b"\0info" in spec
    call = TaskTemplate(
        b"f" * 16, "Counter.add", {}, 1, {}, kind=_raylet.KIND_ACTOR_CALL, actor=actor, method="add"
    )
    binary = actor.binary()
    del actor
    driver.submit(call, None, None, None, None)
    message_type, spec = node.next()
    assert message_type == SUBMIT_TASK, "the template still refers to the actor"
    assert binary in spec and b"add\0" in spec
    with pytest.raises(RayletError, match="needs an actor"):
        headless = TaskTemplate(
            b"f" * 16, "f", {}, 1, {}, kind=_raylet.KIND_ACTOR_CALL, method="add"
        )
        driver.submit(headless, None, None, None, None)
    with pytest.raises(ValueError, match="no kind 3"):
        TaskTemplate(b"f" * 16, "f", {}, 1, {}, kind=3)
    with pytest.raises(TypeError):
        TaskTemplate(b"f" * 16, "f", {}, 1, {}, actor=b"bytes")


def test_what_a_driver_says_of_tasks_and_actors(node, driver):
    (result,) = driver.submit(TaskTemplate(b"f" * 16, "f", {}, 1, {}), None, None, None, None)
    driver.cancel(result, True)
    driver.kill_actor(result)
    driver.add_worker_setup(b"pickled")
    assert node.next()[0] == SUBMIT_TASK
    for expected, content in (
        (CANCEL_TASK, result.binary()[:16]),
        (KILL_ACTOR, result.binary()[:16]),
        (ADD_WORKER_SETUP, b"pickled"),
    ):
        message_type, payload = node.next()
        assert message_type == expected
        assert content in payload
    with pytest.raises(RayletError, match="was made by rayx.put"):
        driver.cancel(driver.put(1, b"x", None, None), False)


def test_an_actor_is_found_by_its_name(node, driver):
    actor = CREATION + bytes(4)

    def answer():
        for request, reply in ((1, {0: byte_struct(actor), 1: b"info"}), (2, {})):
            message_type, _ = node.next()
            while message_type == ADD_REFERENCES:
                message_type, _ = node.next()
            assert message_type == QUERY
            node.send(ANSWER, {0: uint64(request), 3: uint8(NAMED_ACTOR_REPLY), 4: reply})

    answering = threading.Thread(target=answer)
    answering.start()
    found = driver.find_actor("counter", 10_000)
    assert found is not None
    assert (found[0].binary(), found[1]) == (actor, b"info")
    assert driver.find_actor("nobody", 10_000) is None
    answering.join(10)
    with pytest.raises(RayletError, match="TimedOut"):
        driver.find_actor("counter", 10)


def is_readable(fd):
    return bool(select.select([fd], [], [], 0)[0])


def test_completions(node, driver):
    ids = driver.submit(TaskTemplate(b"f" * 16, "f", {}, 3, {}), None, None, None, None)
    names = [one.binary() for one in ids]
    completions = driver.completions()
    completions.add(ids)
    assert completions.take(0) == [] and completions.take(5) == []
    node.make_ready(ids[1], b"value")
    select.select([driver.fileno()], [], [], 10)
    assert not is_readable(completions.fileno())
    driver.poll()
    assert is_readable(completions.fileno())
    completions.discard(ids[2])
    node.make_ready(ids[0], b"value")
    del ids
    taken = completions.take(-1)
    taken += completions.take(0) if len(taken) == 1 else []
    assert [one.binary() for one in taken] == [names[1], names[0]]
    assert [bytes(one.stream) for one in driver.get(taken, 0)] == [b"value"] * 2
    completions.add(taken)
    assert completions.take(0) == taken
    completions.close()
    assert completions.fileno() == -1
    with pytest.raises(RayletError, match="closed"):
        completions.add(taken)
    with pytest.raises(RayletError, match="closed"):
        completions.take(0)
    completions.close()


def test_completions_outlive_their_client(node, driver):
    held = driver.put(1, b"x", None, None)
    completions = driver.completions()
    (pending,) = driver.submit(TaskTemplate(b"f" * 16, "f", {}, 1, {}), None, None, None, None)
    completions.add([held, pending])
    driver.close()
    assert completions.take(-1) == [held]
    with pytest.raises(RayletError, match="Disconnected"):
        completions.take(-1)
    with pytest.raises(RayletError, match="Disconnected"):
        driver.find_actor("counter", 10)


def test_a_forked_child_leaves_completions_alone(node, driver):
    completions = driver.completions()
    held = driver.put(1, b"x", None, None)
    completions.add([held])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            completions.take(0)
        except RayletError as error:
            code = 0 if error.code == "Forked" and completions.fileno() == -1 else 2
        completions.close()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert completions.take(0) == [held]


def test_nothing_is_made_by_hand(node, driver):
    for kind in (_raylet.Completions, RunnableTask):
        with pytest.raises(TypeError):
            kind()


def test_an_object_id_of_no_node():
    one = _raylet.detached_object_id(b"x" * 20)
    assert one == _raylet.detached_object_id(b"x" * 20)
    assert one.binary() == b"x" * 20
    with pytest.raises(ValueError):
        _raylet.detached_object_id(b"short")
