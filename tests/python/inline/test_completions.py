import select

import pytest

from rayx._raylet import RayletError
from rayx.inline.completions import CompletionQueues, InlineCompletions


class Id:
    def __init__(self, name):
        self.name = name

    def binary(self):
        return self.name


def readable(fd):
    return bool(select.select([fd], [], [], 0)[0])


@pytest.fixture
def there():
    return set()


@pytest.fixture
def queue(there):
    queue = InlineCompletions(lambda one: one in there)
    yield queue
    queue.close()


def test_what_is_there_and_what_comes(queue, there):
    a, b = Id(b"a"), Id(b"b")
    there.add(a)
    queue.add([a, b])
    assert queue.take(-1) == [a]
    assert queue.take(0) == []
    there.add(b)
    queue.look()
    assert queue.take(-1) == [b]


def test_the_descriptor_tells(queue, there):
    fd = queue.fileno()
    a, b = Id(b"a"), Id(b"b")
    queue.add([a, b])
    assert not readable(fd)
    there.update([a, b])
    queue.look()
    assert readable(fd)
    queue.discard(a)
    assert readable(fd)
    assert queue.take(0) == [b]
    assert not readable(fd)
    queue.add([a])
    queue.discard(a)
    assert not readable(fd)


def test_after_close(queue):
    queue.close()
    assert queue.fileno() == -1
    with pytest.raises(RayletError, match="closed"):
        queue.add([])
    with pytest.raises(RayletError, match="closed"):
        queue.take(-1)


def test_a_finalizer_may_add_in_the_midst(queue, there, with_finalizer_within):
    many = [Id(bytes([number])) for number in range(100)]
    queue.add(many)
    others = []

    def add():
        others.append(Id(b"other" + bytes([len(others)])))
        queue.add([others[-1]])

    made = []
    queue._is_available = lambda one: made.append([one]) or one in there
    with_finalizer_within(queue.look, add)
    there.update(many, others)
    queue.look()
    assert queue.take(0) == many + others


def test_a_finalizer_may_make_a_queue_while_all_look(there, with_finalizer_within):
    queues = CompletionQueues(lambda one: one in there)
    made = [queues.make() for _ in range(50)]
    with_finalizer_within(queues.look, lambda: made.append(queues.make()))
    queues.close()
    assert {one.fileno() for one in made} == {-1}


def test_a_queue_that_nobody_has_is_forgotten(there):
    queues = CompletionQueues(lambda one: one in there)
    kept = queues.make()
    queues.make()
    assert list(queues._living()) == [kept]
