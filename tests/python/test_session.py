import gc
import os
import pickle
import weakref

import pytest

import rayx
from rayx import session
from rayx.calls.function_reference import FunctionReference


class Closes:
    """A part of a session that notes what happens to it."""

    def __init__(self, name, events, fails=False):
        self.name = name
        self.events = events
        self.fails = fails

    def _note(self):
        self.events.append(self.name)
        if self.fails:
            raise RuntimeError(self.name)

    finish = close = stop = abandon = _note


def test_there_is_none_at_first():
    assert session.peek() is None
    with pytest.raises(rayx.NotInitializedError):
        session.current()


def test_closes_in_order_and_the_processes_whatever_happens():
    events = []
    parts = [Closes("client", events), Closes("processes", events), Closes("output", events)]
    session.Session(parts[0], 0, parts[1], parts[2]).close()
    assert events == ["output", "client", "processes"]
    events.clear()
    parts[2].fails = True
    with pytest.raises(RuntimeError):
        session.Session(parts[0], 0, parts[1], parts[2]).close()
    assert events == ["output", "processes"]


def test_failures_are_told_as_ours(node):
    from fake_node import failure

    owner = session.current()
    assert type(owner.failure(failure("Disconnected"))) is rayx.NodeDiedError
    assert type(owner.failure(failure("Forked"))) is rayx.ForkedProcessError
    owner.closed = True
    assert "rayx.shutdown() was called" in str(owner.failure(failure("Disconnected")))


def test_a_fork_is_told_what_to_do(node):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for call in (lambda: rayx.put(1), lambda: rayx.get([]), rayx.cluster_resources):
                try:
                    call()
                except rayx.ForkedProcessError as error:
                    assert "call rayx.init() in it" in str(error)
                else:
                    raise AssertionError("no error")
            assert not rayx.is_initialized()
            rayx.shutdown()
            assert not node.closed
            os.write(write, b"well")
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"well"
    os.waitpid(pid, 0)
    assert rayx.is_initialized()
    assert rayx.get(rayx.put(1)) == 1


def test_ids_that_others_pickle_are_kept(node):
    object_id = rayx.put(1)
    again = pickle.loads(pickle.dumps(object_id))
    assert again == object_id
    assert session.current()._escaped == {object_id.binary(): object_id}
    assert node.polls == 1, "the node hears of the object before anybody else"


def test_ids_in_our_objects_are_not_kept_for_ever(node):
    rayx.put([rayx.put(1)])
    assert not session.current()._escaped


def test_those_who_wait_hear_of_the_end_before_the_client_does():
    events = []
    owner = session.Session(Closes("client", events), 0)
    owner.waiters += [Closes("first", events), Closes("second", events)]
    owner.close()
    assert events == ["first", "second", "client"]


def test_a_thread_s_innermost_session(node):
    owner = session.current()
    task = session.Session(node, session.WORKER_MODE)
    running = [None]
    owner.innermost = lambda: running[0]
    assert session.current() is session.peek() is session.of_process() is owner
    running[0] = task
    assert session.current() is session.peek() is task
    assert session.of_process() is owner
    owner.innermost = None


def test_functions_learn_why_a_session_has_ended(node, monkeypatch):
    from fake_node import failure

    class Gone:
        keeps_logs = False

        def why_it_ended(self):
            return "a meteorite"

    def fail(*_):
        raise failure("Disconnected", "the connection was closed")

    owner = session.Session(node, session.SILENT_MODE, Gone())
    monkeypatch.setattr(node, "export_function", fail)
    monkeypatch.setattr(node, "fetch_function", fail)
    with pytest.raises(rayx.NodeDiedError, match="a meteorite"):
        owner.functions.export(FunctionReference(b"f" * 16, "f", len))
    with pytest.raises(rayx.NodeDiedError, match="a meteorite"):
        owner.functions.fetch(b"f")


def test_a_session_is_no_cycle(node):
    owner = session.Session(node, session.SILENT_MODE)
    gone = weakref.ref(owner)
    functions = owner.functions
    gc.disable()
    try:
        del owner
        assert gone() is None
    finally:
        gc.enable()
    functions.export(FunctionReference(b"f" * 16, "f", len))
