import gc

import pytest

from rayx import _raylet, errors
from rayx._raylet import KIND_PICKLE, ObjectID, RayletError, detached_object_id
from rayx.inline.objects import InlineObject, InlineObjects, never_there, system_error
from rayx.values import serialization

BINARY = b"b" * 20


@pytest.fixture
def deleted():
    return []


@pytest.fixture
def objects(deleted):
    return InlineObjects(1000, deleted.append)


def stored(size=10, contained=None):
    return InlineObject(KIND_PICKLE, b"x" * size, None, contained)


def test_objects_are_copies():
    source = bytearray(b"abc")
    made = InlineObject(KIND_PICKLE, source, [memoryview(source)], None)
    source[0] = 0
    assert bytes(made.stream) == bytes(made.buffers[0]) == b"abc"
    assert made.stream.readonly and made.buffers[0].readonly
    assert made.nbytes == 6


def test_an_object_lives_as_long_as_its_ids(objects, deleted):
    first = objects.make_id(BINARY)
    second = objects.make_id(BINARY)
    assert type(first) is ObjectID
    assert first == second and first.binary() == BINARY
    objects.store(BINARY, stored())
    del first
    assert objects.find(second) is not None
    assert not deleted
    del second
    assert deleted == [BINARY]
    assert objects.find(objects.make_id(BINARY)) is None


def test_what_is_contained_lives_on(objects, deleted):
    inner = objects.make_id(b"i" * 20)
    objects.store(b"i" * 20, stored())
    outer = objects.make_id(BINARY)
    objects.store(BINARY, stored(contained=[inner]))
    del inner
    gc.collect()
    assert not deleted
    del outer
    gc.collect()
    assert sorted(deleted) == [BINARY, b"i" * 20]


def test_what_nobody_can_ask_for_is_not_kept(objects):
    objects.store(BINARY, stored(900))
    one = objects.make_id(b"1" * 20)
    objects.store(one.binary(), stored(900))


def test_there_is_no_more_room_than_was_given(objects):
    one, two = objects.make_id(b"1" * 20), objects.make_id(b"2" * 20)
    objects.store(one.binary(), stored(600))
    with pytest.raises(RayletError, match="StoreFull.*600 bytes: 600 of 1,000"):
        objects.store(two.binary(), stored(600))
    del one
    objects.store(two.binary(), stored(600))


def test_after_the_end_ids_may_go(objects, deleted):
    one = objects.make_id(BINARY)
    objects.store(BINARY, stored())
    objects.clear()
    assert objects.find(one) is None
    del one
    assert not deleted


def test_what_stands_for_a_value_that_there_is_not():
    found = system_error(_raylet.ERROR_ACTOR_DIED, "it ended")
    assert isinstance(serialization.stored_error(found), errors.ActorDiedError)
    missing = [detached_object_id(bytes(20))]
    assert "would never be there" in str(never_there(missing))
