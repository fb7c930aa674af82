import fractions
import math

import numpy as np
import pytest

from rayx.text import resources


@pytest.mark.parametrize("value", [0, 1, 0.5, 0.0001, 1e9, fractions.Fraction(1, 4), np.int64(2)])
def test_amounts(value):
    assert resources.amount("x", value) == float(value)


@pytest.mark.parametrize("value", [-1, math.inf, math.nan, 1e10, 0.00001])
def test_what_is_no_amount(value):
    with pytest.raises(ValueError, match="^x must be"):
        resources.amount("x", value)


@pytest.mark.parametrize("value", ["1", None, True, 1j, [1]])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match="^x must be a number"):
        resources.amount("x", value)


def test_demand_always_names_cpu():
    assert resources.demand(None, None, None) == {"CPU": 1.0}
    assert resources.demand(0, None, {}) == {"CPU": 0.0}


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ([("a", 1)], TypeError, "must be a dictionary"),
        ({1: 1}, TypeError, "must be a string"),
        ({"": 1}, TypeError, "not empty"),
        ({"GPU": 1}, ValueError, "num_gpus=1"),
        ({"a=b": 1}, ValueError, "'='"),
        ({"a\n": 1}, ValueError, "printable"),
        ({"a" * 2000: 1}, ValueError, "1024 bytes"),
        ({"a": -1}, ValueError, r"resources\['a'\]"),
    ],
)
def test_refuses(given, error, text):
    with pytest.raises(error, match=text):
        resources.custom(given)
