"""Whatever a value is made of, it comes out of the store as it went in."""

import datetime
import decimal
import fractions
import uuid

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")

SETTINGS = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

hashable = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**200), max_value=2**200),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.sampled_from([int, datetime.date, len, uuid.UUID, decimal.Decimal, fractions.Fraction, ...]),
)
hashable = st.recursive(
    hashable, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)
values = st.recursive(
    hashable | st.binary(min_size=4000, max_size=5000) | st.builds(bytearray, st.binary()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner),
        st.dictionaries(hashable, inner, max_size=3),
        st.sets(hashable, max_size=3),
    ),
    max_leaves=12,
)
dtypes = st.one_of(
    hnp.scalar_dtypes(),
    hnp.unicode_string_dtypes(),
    hnp.byte_string_dtypes(),
    hnp.array_dtypes(max_size=3),
)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=6))
)


@rayx.remote
def echo(*args, **kwargs):
    return args, kwargs


def same_types(first, second):
    if type(first) is not type(second):
        return False
    if isinstance(first, list | tuple):
        return all(map(same_types, first, second))
    if isinstance(first, dict):
        return all(same_types(first[key], second[key]) for key in first)
    return True


@SETTINGS
@given(values)
def test_put_and_get(value):
    copy = rayx.get(rayx.put(value))
    assert copy == value
    assert same_types(copy, value)


@SETTINGS
@given(st.lists(values, max_size=4), st.dictionaries(st.text(), values, max_size=3))
def test_arguments_and_results(args, kwargs):
    got_args, got_kwargs = rayx.get(echo.remote(*args, **kwargs))
    assert got_args == tuple(args)
    assert got_kwargs == kwargs
    assert same_types(list(got_args), args)
    assert list(got_kwargs) == list(kwargs)


@SETTINGS
@given(st.lists(st.tuples(values, st.booleans()), max_size=6))
def test_ids_among_the_arguments(arguments):
    args = [rayx.put(value) if by_id else value for value, by_id in arguments]
    assert rayx.get(echo.remote(*args))[0] == tuple(value for value, _ in arguments)


@SETTINGS
@given(arrays, st.data())
def test_arrays(array, data):
    if array.ndim and array.size:
        step = data.draw(st.sampled_from([1, 2, -1]))
        array = array[::step]
        if data.draw(st.booleans()):
            array = array.T
    copy = rayx.get(rayx.put({"a": [array]}))["a"][0]
    # numpy itself turns what is not contiguous into the byte order of the machine.
    assert copy.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert copy.shape == array.shape
    assert copy.astype(array.dtype).tobytes() == array.tobytes()


@SETTINGS
@given(st.integers(min_value=65_000, max_value=66_500), st.integers(min_value=0, max_value=3))
def test_sizes_around_the_limit_of_small_objects(size, kind):
    """On one side of it values travel in messages, on the other they lie in the pool."""
    value = [bytes(size), np.zeros(size, dtype=np.uint8), "x" * size, bytearray(size)][kind]
    np.testing.assert_array_equal(rayx.get(rayx.put(value)), value)
    np.testing.assert_array_equal(rayx.get(echo.remote(value))[0][0], value)


@SETTINGS
@given(st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=4), max_leaves=20))
def test_values_in_nests_of_ids(tree):
    def store(node):
        return rayx.put([store(child) for child in node]) if isinstance(node, list) else node

    def load(node):
        if isinstance(node, rayx.ObjectID):
            return [load(child) for child in rayx.get(node)]
        return node

    assert load(store(tree)) == tree
