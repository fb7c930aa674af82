"""What a worker does with a generator, against a node that notes what it is told."""

import asyncio

import pytest
from fake_node import FakeTask, FakeTemplate, failure

from rayx import errors
from rayx._raylet import detached_object_id
from rayx.running.stream_run import StreamRun
from rayx.values import serialization
from rayx.waiting.object_stream import STEP, WINDOW


class Node:
    """Each wait for a credit that is not there makes it."""

    def __init__(self):
        self.items = []
        self.waited = []
        self.interrupted = (0, 0)
        self.full = False

    def object_id(self, binary):
        return detached_object_id(binary)

    def interrupt(self):
        return self.interrupted

    def wait(self, ids, count, timeout_ms):
        (credit,) = ids
        self.waited.append((int.from_bytes(credit.binary()[16:], "little"), len(self.items)))
        return [True]

    def put_item(self, task, item, kind, stream, buffers, contained):
        if self.full:
            raise failure("StoreFull", "no room for 5 bytes")
        assert item == len(self.items)
        self.items.append((kind, bytes(stream)))


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def stream(node):
    template = FakeTemplate(b"f" * 16, "f", {}, 1, {"stream_window": WINDOW})
    return StreamRun(FakeTask(7, template), node)


def numbers(n, closed=None):
    try:
        yield from range(n)
    finally:
        if closed is not None:
            closed.append(True)


async def later(n, closed):
    try:
        for i in range(n):
            yield i
    finally:
        closed.append(True)


def test_items_and_credits(node, stream):
    stream.run(numbers(WINDOW + 2 * STEP))
    assert stream.count == WINDOW + 2 * STEP
    expected = [serialization.serialize(i)[:2] for i in range(stream.count)]
    assert [(kind, bytes(data)) for kind, data in expected] == node.items
    # The window is free; then each credit lets STEP more be made. The end is looked for like an
    # item.
    bit = 1 << 30
    assert node.waited == [(bit | 1 + k, WINDOW + k * STEP) for k in range(3)]


def test_steps_wait_for_nobody(node, stream):
    closed = []
    steps = stream.steps(numbers(100, closed))
    credits = [next(steps) for _ in range(WINDOW + 1)]
    assert credits[:WINDOW] == [None] * WINDOW
    assert credits[WINDOW] is not None
    assert (stream.count, node.waited) == (WINDOW, [])
    steps.close()
    assert closed


def test_its_own_error(node, stream):
    def failing():
        yield 1
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        stream.run(failing())
    assert stream.count == 1


def test_an_item_that_cannot_be_stored_closes_the_generator(node, stream):
    closed = []

    def bad():
        try:
            yield lambda: iter([])
            yield (x for x in [])
        finally:
            closed.append(True)

    with pytest.raises(errors.SerializationError, match="item 1 of f"):
        stream.run(bad())
    assert closed


def test_a_full_store(node, stream):
    node.full = True
    with pytest.raises(errors.ObjectStoreFullError, match="no room"):
        stream.run(numbers(1))


def test_one_that_caught_its_interrupt_gets_no_further(node, stream):
    closed = []
    steps = stream.steps(numbers(100, closed))
    next(steps)
    node.interrupted = (6, 1)  # of another task
    next(steps)
    node.interrupted = (7, 1)
    with pytest.raises(errors.TaskCancelledError):
        next(steps)
    assert closed


@pytest.mark.parametrize("value", [[1], "ab", None, 5])
def test_what_is_no_generator(stream, value):
    with pytest.raises(TypeError, match="must be a generator, but it returned a value of type"):
        stream.run(value)


def test_generators_of_both_kinds_on_a_loop(node, stream):
    closed = []
    asyncio.run(stream.run_async(later(WINDOW + 1, closed)))
    assert stream.count == WINDOW + 1
    assert closed
    second = StreamRun(stream._task, Node())
    asyncio.run(second.run_async(numbers(WINDOW + 1, closed)))
    assert second.count == WINDOW + 1
    assert len(closed) == 2


def test_what_is_no_generator_on_a_loop(stream):
    async def coroutine():
        return 1

    with pytest.raises(TypeError, match="returned a value of type coroutine"):
        asyncio.run(stream.run_async(coroutine()))
