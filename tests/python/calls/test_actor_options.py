import pytest

import rayx
from rayx.calls.actor_description import METHOD_ATTRIBUTE
from rayx.calls.actor_options import ActorOptions


def test_defaults():
    options = ActorOptions()
    assert options.demand() == {"CPU": 0.0}
    assert options.max_restarts == 0
    assert (options.concurrency(False), options.concurrency(True)) == (1, 1000)


def test_concurrency_that_was_asked_for():
    options = ActorOptions().replaced({"max_concurrency": 3})
    assert (options.concurrency(False), options.concurrency(True)) == (3, 3)


def test_a_dictionary_that_changes_later():
    amounts = {"disk": 1}
    options = ActorOptions().replaced({"resources": amounts, "num_cpus": 2})
    amounts["disk"] = 2
    assert options.demand() == {"CPU": 2.0, "disk": 1.0}


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"max_retries": 1}, TypeError, "no option 'max_retries': an actor has max_restarts"),
        ({"timeout": 1}, TypeError, r"handle\.method\.options\(timeout=…\)"),
        ({"cpus": 1}, TypeError, "no option 'cpus'; it has num_cpus"),
        ({"max_restarts": -2}, ValueError, "between -1"),
        ({"max_restarts": None}, TypeError, "whole number"),
        ({"max_concurrency": 0}, ValueError, "between 1 and 10,000"),
        ({"max_concurrency": True}, TypeError, "whole number"),
        ({"num_gpus": 2.5}, ValueError, "whole number"),
        ({"num_cpus": "1"}, TypeError, "num_cpus must be a number"),
        ({"name": ""}, ValueError, "not empty"),
    ],
)
def test_refuses(changes, error, text):
    with pytest.raises(error, match=text):
        ActorOptions().replaced(changes)


def test_method():
    def f():
        pass

    assert rayx.method(num_return_vals=3)(f) is f
    assert getattr(f, METHOD_ATTRIBUTE) == 3
    for wrong in (staticmethod(f), classmethod(f)):
        assert getattr(rayx.method(num_return_vals=2)(wrong), METHOD_ATTRIBUTE) == 2


def test_method_without_options():
    def f():
        pass

    assert rayx.method(f) is f
    assert getattr(f, METHOD_ATTRIBUTE) == 1


def test_method_refuses():
    def f():
        pass

    for args in ((f, f), (f, 2)):
        with pytest.raises(TypeError, match="options by name"):
            rayx.method(*args)
    with pytest.raises(TypeError, match="options by name"):
        rayx.method(f, num_return_vals=2)
    with pytest.raises(TypeError, match="is for methods, not for 2"):
        rayx.method(2)
    with pytest.raises(ValueError, match="num_return_vals"):
        rayx.method(num_return_vals=-1)
    with pytest.raises(TypeError, match="no argument 'num_retuns'. Did you mean"):
        rayx.method(num_retuns=2)
    with pytest.raises(TypeError, match="is for methods, not for 5"):
        rayx.method(num_return_vals=2)(5)
