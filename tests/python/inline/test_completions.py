import select

import pytest

from rayx._raylet import RayletError
from rayx.inline.completions import InlineCompletions


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
