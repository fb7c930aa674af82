import pickle

import pytest

import rayx
from rayx.calls import worker_setup


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


def test_what_a_function_raises_names_it(setups):
    def fail():
        raise ValueError("mine")

    rayx.run_on_all_workers(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="mine") as caught:
            pickle.loads(setups[0])()
        (note,) = caught.value.__notes__
        assert "fail raised this: rayx.run_on_all_workers has every worker run it" in note


ALWAYS = ValueError("always the same")


def raise_always():
    raise ALWAYS


def test_an_exception_that_is_raised_again_is_noted_once():
    setup = worker_setup.Setup("raise_always", pickle.dumps(raise_always))
    for _ in range(2):
        with pytest.raises(ValueError, match="always"):
            setup()
    assert len(ALWAYS.__notes__) == 1


def test_an_interruption_is_not_noted(setups):
    def interrupted():
        raise rayx.TaskCancelledError("cancelled")

    rayx.run_on_all_workers(interrupted)
    with pytest.raises(rayx.TaskCancelledError) as caught:
        pickle.loads(setups[0])()
    assert not hasattr(caught.value, "__notes__")


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
