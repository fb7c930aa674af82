import threading

from rayx.inline.ids import InlineIds, object_binary


def some(ids):
    made = [ids.next_task(), ids.next_put(), ids.next_put()]
    with ids.within(made[0]):
        made += [ids.next_task(), ids.next_put()]
    return [*made, ids.next_task()]


def test_the_same_seed_gives_the_same_names():
    first = some(InlineIds(5))
    assert some(InlineIds(5)) == first
    assert len(set(first)) == len(first)
    assert not set(first) & set(some(InlineIds(6)))


def test_names_are_those_of_a_node():
    """As cpp/client/tasks/id_source.cc makes them of seed 7."""
    ids = InlineIds(7)
    task = ids.next_task()
    assert task.hex() == "a0624969c23acc8a6545b37942dc73b8"
    assert object_binary(task, 3) == task + b"\3\0\0\0"
    assert ids.next_put().hex() == "3aac6a4d7b89990be682a9dc2fb7d7da00000080"
    assert ids.next_put().hex() == "3aac6a4d7b89990be682a9dc2fb7d7da01000080"
    assert ids.next_task().hex() == "4517c9ff8a4928db687820ba8d34e794"
    with ids.within(task):
        assert ids.next_put() == task + b"\0\0\0\x80"


def test_without_a_seed_they_are_random():
    assert InlineIds(None).next_task() != InlineIds(None).next_task()


def test_other_threads_name_as_the_driver():
    ids = InlineIds(1)
    named = []
    with ids.within(b"t" * 16):
        thread = threading.Thread(target=lambda: named.append(ids.next_put()))
        thread.start()
        thread.join()
        assert ids.next_put()[:16] == b"t" * 16
    assert named[0][:16] != b"t" * 16
    assert ids.next_put()[:16] == named[0][:16]
