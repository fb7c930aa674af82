import pickle

import pytest

import rayx


@pytest.fixture
def setups(node):
    node.setups = []
    node.add_worker_setup = node.setups.append
    return node.setups


def test_functions_are_sent_by_value(setups):
    done = []
    rayx.run_on_all_workers(lambda: done.append(1))
    (pickled,) = setups
    pickle.loads(pickled)()
    assert done == []  # it was a copy


def test_needs_a_plain_function(setups):
    @rayx.remote
    def f():
        pass

    for wrong in (5, None, f):
        with pytest.raises(TypeError, match="run_on_all_workers takes a plain function"):
            rayx.run_on_all_workers(wrong)
    assert setups == []


def test_needs_a_session():
    with pytest.raises(rayx.NotInitializedError):
        rayx.run_on_all_workers(print)
