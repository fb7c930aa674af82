import pytest

from rayx.calls.task_options import TaskOptions


def test_defaults():
    options = TaskOptions()
    assert options.demand() == {"CPU": 1.0}
    assert (options.num_return_vals, options.max_retries) == (1, 3)


def test_demand():
    options = TaskOptions().replaced({"num_cpus": 0, "num_gpus": 0.5, "resources": {"disk": 2}})
    assert options.demand() == {"CPU": 0.0, "GPU": 0.5, "disk": 2.0}


def test_shape():
    assert TaskOptions().shape(["a"], "f") == "a"
    assert TaskOptions(num_return_vals=0).shape([], "f") is None
    assert TaskOptions(num_return_vals=2).shape(("a", "b"), "f") == ["a", "b"]


def test_a_dictionary_that_changes_later():
    amounts = {"disk": 1}
    options = TaskOptions().replaced({"resources": amounts})
    amounts["disk"] = 2
    assert options.demand()["disk"] == 1


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"num_cpu": 1}, TypeError, "no option 'num_cpu'; it has num_return_vals, num_cpus"),
        ({"num_cpu": 1}, TypeError, "priority, name. Did you mean 'num_cpus'?"),
        ({"max_restarts": 1}, TypeError, "'max_restarts': a function has max_retries; it has"),
        ({"num_return_vals": -1}, ValueError, "between 0"),
        ({"num_return_vals": 1.5}, TypeError, "whole number, not 1.5 of float"),
        ({"num_return_vals": True}, TypeError, "whole number"),
        ({"max_retries": -2}, ValueError, "between -1"),
        ({"max_retries": None}, TypeError, "whole number"),
        ({"num_cpus": -1}, ValueError, "num_cpus must be between 0"),
        ({"num_gpus": 1.5}, ValueError, "whole number, or less than 1"),
        ({"timeout": -1}, ValueError, "more than 0 seconds"),
        ({"timeout": float("nan")}, ValueError, "more than 0 seconds"),
        ({"timeout": "1"}, TypeError, "a number of seconds, a datetime.timedelta or None"),
        ({"priority": 0.5}, TypeError, "priority must be a whole number"),
        ({"priority": 1 << 31}, ValueError, "priority must be between"),
        ({"name": 5}, TypeError, "name must be a string"),
        ({"name": ""}, ValueError, "not empty"),
        ({"name": "a\nb"}, ValueError, "printable"),
        ({"num_gpus": "1"}, TypeError, "num_gpus must be a number, not '1'"),
        ({"resources": {"CPU": 1}}, ValueError, "num_cpus=1"),
    ],
)
def test_refuses(changes, error, text):
    with pytest.raises(error, match=text):
        TaskOptions().replaced(changes)
