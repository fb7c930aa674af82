import itertools

import pytest

import rayx


@pytest.fixture(autouse=True)
def inline():
    with rayx.init(num_cpus=3, driver_mode=rayx.PYTHON_MODE):
        yield


@rayx.remote
def add(x, y=0):
    if x == 99:
        raise KeyError("99")
    return x + y


class Counted:
    """Counts how far it was read."""

    def __init__(self, end=None):
        self.read = 0
        self._end = end

    def __iter__(self):
        for i in itertools.count():
            if i == self._end:
                return
            self.read += 1
            yield i


def test_values_in_order():
    assert list(rayx.map(add, range(10))) == list(range(10))
    assert list(rayx.map(add, [1, 2, 3], [10, 20])) == [11, 22]
    assert list(rayx.map(add, [])) == []


def test_values_as_they_come():
    assert sorted(rayx.map(add, range(50), ordered=False, max_in_flight=7)) == list(range(50))


@pytest.mark.parametrize("ordered", [True, False])
def test_is_lazy_and_bounded(ordered):
    given = Counted()
    values = rayx.map(add, given, max_in_flight=5, ordered=ordered)
    assert given.read == 0
    next(values)
    assert given.read == 5
    next(values)
    assert given.read <= 6
    values.close()


def test_the_default_follows_the_cpus():
    given = Counted()
    next(rayx.map(add, given))
    assert given.read == 6


@pytest.mark.parametrize("ordered", [True, False])
def test_errors_come_in_their_turn(ordered, capfd):
    values = rayx.map(add, [1, 99, 2], max_in_flight=1, ordered=ordered)
    assert next(values) == 1
    with pytest.raises(KeyError):
        next(values)


def test_in_this_process_each_call_is_a_task():
    given = Counted()
    values = rayx.map(add, given, chunksize=100)
    assert next(values) == 0
    assert given.read == 6


def test_methods_of_actors():
    @rayx.remote
    class Adder:
        def add(self, x):
            return x + 1

    assert list(rayx.map(Adder.remote().add, range(3))) == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((print, [1]), {}, TypeError, "takes a remote function .*decorate it"),
        ((add,), {}, TypeError, "at least one iterable"),
        ((add, [1]), {"max_in_flight": 0}, ValueError, "max_in_flight must be between 1 and"),
        ((add, [1]), {"max_in_flight": 1.5}, TypeError, "max_in_flight must be a whole number"),
        ((add, [1]), {"chunksize": 0}, ValueError, "chunksize must be between 1 and"),
        ((add, [1]), {"chunksize": "2"}, TypeError, "chunksize must be a whole number"),
        (
            (add, [1]),
            {"chunksize": 9, "max_in_flight": 8},
            ValueError,
            "chunksize=9 is more than max_in_flight=8",
        ),
        ((add, [1]), {"ordered": 1}, TypeError, "ordered must be True or False"),
        ((add, 5), {}, TypeError, "zip|iterable"),
    ],
)
def test_refuses_at_once(arguments, options, error, text):
    with pytest.raises(error, match=text):
        rayx.map(*arguments, **options)


def test_refuses_functions_of_several_values():
    with pytest.raises(ValueError, match="needs one result of each call"):
        list(rayx.map(add.options(num_return_vals=2), [1]))
