import pytest

import rayx


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


def test_needs_a_session():
    with pytest.raises(rayx.NotInitializedError):
        rayx.cancel(None)
