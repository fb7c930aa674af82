import decimal
import fractions

import numpy as np
import pytest

from rayx.calls import actor_options
from rayx.calls import task_options as options
from rayx.launch import init_options
from rayx.results import objects
from rayx.text import durations, quantities, resources


class Scalar:
    """Much as a tensor with one element, which is all numbers at once."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        if not isinstance(self.value, int):
            raise TypeError("no whole number")
        return self.value

    def __float__(self):
        return float(self.value)


WHOLE = [3, np.int64(3), np.uint8(3), np.array(3), Scalar(3)]
NO_WHOLE = [
    True,
    np.True_,
    3.0,
    np.float64(3),
    "3",
    None,
    [3],
    np.array([3, 4]),
    decimal.Decimal(3),
]
REAL = [
    2,
    0.5,
    np.float32(0.5),
    np.int64(2),
    fractions.Fraction(1, 2),
    decimal.Decimal("0.5"),
    Scalar(0.5),
    np.array(0.5),
]
NO_REAL = [True, np.True_, "0.5", b"1", None, [1], 1j, np.array([1.0, 2.0])]


@pytest.mark.parametrize("value", WHOLE)
def test_whole_numbers(value):
    number = quantities.whole("n", value, 1, 5)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", NO_WHOLE)
def test_what_is_no_whole_number(value):
    with pytest.raises(TypeError, match="n must be a whole number, not "):
        quantities.whole("n", value, 1, 5)


@pytest.mark.parametrize("value", [0, 6, np.int64(-1), 10**30])
def test_out_of_range(value):
    with pytest.raises(ValueError, match="n must be between 1 and 5, not "):
        quantities.whole("n", value, 1, 5)


@pytest.mark.parametrize("value", REAL)
def test_numbers(value):
    number = quantities.real(value)
    assert number == float(value)
    assert type(number) is float


@pytest.mark.parametrize("value", NO_REAL)
def test_what_is_no_number(value):
    assert quantities.real(value) is None


@pytest.mark.parametrize("value", WHOLE)
def test_wherever_a_whole_number_is_wanted(value):
    changes = {"num_return_vals": value, "max_retries": value, "priority": value}
    assert options.TaskOptions().replaced(changes)[:1] == (3,)
    changed = options.TaskOptions().replaced(changes)
    assert {type(changed.num_return_vals), type(changed.max_retries), type(changed.priority)} == {
        int
    }
    changes = {"max_restarts": value, "max_concurrency": value, "save_every": value}
    of_actor = actor_options.ActorOptions().replaced(changes)
    assert (of_actor.max_restarts, of_actor.max_concurrency, of_actor.save_every) == (3, 3, 3)
    checked = init_options.InitOptions.checked(num_workers=value, num_cpus=value, num_gpus=value)
    assert (checked.num_workers, checked.num_cpus, checked.num_gpus) == (3, 3.0, 3.0)


@pytest.mark.parametrize("value", REAL)
def test_wherever_a_number_is_wanted(value):
    assert resources.amount("num_cpus", value) == float(value)
    assert durations.in_units("timeout", value, durations.SECONDS) == float(value)


@pytest.mark.parametrize("value", WHOLE)
def test_in_calls(node, value):
    ids = [objects.put(number) for number in range(4)]
    ready, remaining = objects.wait(ids, num_returns=value)
    assert (len(ready), len(remaining)) == (3, 1)
