import pytest

import rayx
from rayx import session
from rayx.results import cancellation


@rayx.remote
def work():
    return 1


@rayx.remote
class Actor:
    def work(self):
        return 1


def test_tells_the_node(node):
    first, second = work.remote(), Actor.remote().work.remote()
    assert rayx.cancel(first) is None
    rayx.cancel(second, force=True)
    assert node.cancelled == [(first, False), (second, True)]


def test_mistakes(node):
    with pytest.raises(TypeError, match="takes the ObjectID of a task's result, not 5 of type int"):
        rayx.cancel(5)
    with pytest.raises(TypeError, match=r"to end an actor, use rayx\.kill"):
        rayx.cancel(Actor.remote())
    with pytest.raises(TypeError, match="force must be True or False"):
        rayx.cancel(work.remote(), 1)


def test_all_of_the_driver(node):
    ids = [work.remote() for _ in range(3)]
    assert rayx.cancel_all() == 3
    rayx.get(ids)
    assert rayx.cancel_all(force=True) == 0
    assert node.cancelled == [("all", False), ("all", True)]
    with pytest.raises(TypeError, match="force must be True or False, not 1"):
        rayx.cancel_all(1)


def test_all_but_not_by_one_of_them(node):
    @rayx.remote
    def child():
        rayx.cancel_all()

    with pytest.raises(rayx.InvalidArgumentError, match="by a task, .* call it in the driver"):
        rayx.get(child.remote())


def test_what_cannot_be_cancelled_is_abandoned_all_the_same(node, monkeypatch):
    from fake_node import failure

    told = []

    def cancel(object_id, force):
        told.append(object_id)
        if len(told) == 1:
            raise failure("InvalidArgument", "made by rayx.put")

    monkeypatch.setattr(node, "cancel", cancel)
    ids = [work.remote(), work.remote()]
    cancellation.abandon(session.current(), ids)
    assert told == ids


def test_needs_a_session():
    with pytest.raises(rayx.NotInitializedError):
        rayx.cancel(None)
    with pytest.raises(rayx.NotInitializedError):
        rayx.cancel_all()
