"""Remote functions, as people write them."""

import functools
import os

import numpy as np
import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def echo(*args, **kwargs):
    return args, kwargs


@rayx.remote
def add(a, b=10, *rest, c=100, **others):
    return a + b + sum(rest) + c + sum(others.values())


@rayx.remote
def increment(x):
    return x + 1


class TestArguments:
    @pytest.mark.parametrize(
        ("args", "kwargs", "expected"),
        [
            ((1,), {}, 111),
            ((1, 2), {}, 103),
            ((1, 2, 3, 4), {}, 110),
            ((), {"a": 1, "b": 2}, 103),
            ((1,), {"c": 3}, 14),
            ((1, 2, 3), {"c": 4, "d": 5}, 15),
        ],
    )
    def test_ways_to_pass(self, args, kwargs, expected):
        assert rayx.get(add.remote(*args, **kwargs)) == expected
        by_id = [rayx.put(arg) for arg in args]
        named_by_id = {name: rayx.put(value) for name, value in kwargs.items()}
        assert rayx.get(add.remote(*by_id, **named_by_id)) == expected
        assert rayx.get(add.remote(*by_id, **kwargs)) == expected

    def test_order_of_values_and_ids(self):
        args, kwargs = rayx.get(
            echo.remote(0, rayx.put(1), 2, rayx.put(3), k=4, i=rayx.put(5), m=rayx.put(6), z=7)
        )
        assert args == (0, 1, 2, 3)
        assert list(kwargs.items()) == [("k", 4), ("i", 5), ("m", 6), ("z", 7)]

    @pytest.mark.parametrize("name", ["self", "args", "kwargs", "function", "name", "stream"])
    def test_any_name(self, name):
        assert rayx.get(echo.remote(**{name: 1})) == ((), {name: 1})

    @pytest.mark.parametrize(
        ("args", "kwargs", "complaint"),
        [
            ((), {}, r"add\(\) missing 1 required positional argument: 'a'"),
            ((1,), {"a": 2}, "multiple values for argument 'a'"),
        ],
    )
    def test_wrong_ones_are_refused_at_the_call(self, args, kwargs, complaint):
        with pytest.raises(TypeError, match=complaint):
            add.remote(*args, **kwargs)
        with pytest.raises(TypeError, match=r"takes 1 positional argument but 2 were given"):
            increment.remote(1, 2)
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'y'"):
            increment.remote(1, y=2)

    def test_positional_and_keyword_only(self):
        @rayx.remote
        def f(a, /, b, *, c):
            return a, b, c

        assert rayx.get(f.remote(1, 2, c=3)) == (1, 2, 3)
        with pytest.raises(TypeError, match="positional-only"):
            f.remote(a=1, b=2, c=3)
        with pytest.raises(TypeError, match="'c'"):
            f.remote(1, 2)

    def test_by_value_when_called(self):
        """What is changed after the call is not changed for the task."""
        value = [1]
        result = increment.options(num_cpus=0).remote(5)
        copied = echo.remote(value, result)
        value.append(2)
        assert rayx.get(copied) == (([1], 6), {})

    def test_a_default_is_that_of_the_function(self):
        marker = object()

        @rayx.remote
        def f(x=marker):
            return x is marker

        assert rayx.get(f.remote()) is True

    @pytest.mark.parametrize("megabytes", [1, 100])
    def test_large_by_value(self, megabytes):
        array = np.arange(megabytes << 17, dtype=np.int64)

        @rayx.remote
        def check(array, data):
            return int(array.sum()), array.flags.writeable, len(data)

        assert rayx.get(check.remote(array, b"x" * len(array))) == (
            int(array.sum()),
            False,
            len(array),
        )

    def test_a_thousand(self):
        args, _ = rayx.get(echo.remote(*range(1000)))
        assert args == tuple(range(1000))
        args, _ = rayx.get(echo.remote(*[rayx.put(i) for i in range(1000)]))
        assert args == tuple(range(1000))


class TestResults:
    def test_none(self):
        ran = rayx.put(0)

        @rayx.remote(num_return_vals=0)
        def f():
            return "ignored"

        assert f.remote() is None
        assert rayx.get(ran) == 0

    def test_one_that_is_a_tuple(self):
        @rayx.remote(num_return_vals=1)
        def f():
            return 1, 2

        assert rayx.get(f.remote()) == (1, 2)

    def test_a_thousand(self):
        @rayx.remote(num_return_vals=1000)
        def f():
            return list(range(1000))

        assert rayx.get(f.remote()) == list(range(1000))

    def test_large_ones(self):
        @rayx.remote(num_return_vals=3)
        def f():
            return np.zeros(10**6), b"x" * 10**6, "small"

        zeros, data, small = rayx.get(f.remote())
        assert (zeros.shape, zeros.any(), len(data), small) == ((10**6,), False, 10**6, "small")

    @pytest.mark.parametrize("value", [(1,), (1, 2, 3), 5, "ab", {1, 2}, None])
    def test_a_wrong_number(self, value):
        @rayx.remote(num_return_vals=2)
        def f():
            return value

        for object_id in f.remote():
            with pytest.raises((TypeError, ValueError), match="num_return_vals=2") as caught:
                rayx.get(object_id)
            assert isinstance(caught.value, rayx.TaskError)

    def test_an_error_is_that_of_all(self):
        @rayx.remote(num_return_vals=2)
        def f():
            raise LookupError("both")

        for object_id in f.remote():
            with pytest.raises(LookupError, match="both"):
                rayx.get(object_id)

    def test_other_numbers_by_options(self):
        pair = echo.options(num_return_vals=2)
        assert rayx.get(pair.remote(1)) == [(1,), {}]
        assert rayx.get(echo.remote(1)) == ((1,), {})


class TestFunctions:
    def test_recursion(self):
        @rayx.remote
        def fib(n):
            if n < 2:
                return n
            return sum(rayx.get([fib.remote(n - 1), fib.remote(n - 2)]))

        assert rayx.get(fib.remote(8)) == 21

    def test_mutual_recursion(self):
        @rayx.remote
        def is_even(n):
            return True if n == 0 else rayx.get(is_odd.remote(n - 1))

        @rayx.remote
        def is_odd(n):
            return False if n == 0 else rayx.get(is_even.remote(n - 1))

        assert rayx.get(is_even.remote(7)) is False
        assert rayx.get(is_odd.remote(7)) is True

    def test_defined_after_use(self, interactive):
        assert interactive("""
@rayx.remote
def f():
    return g() + rayx.get(h.remote())

def g():
    return 1

@rayx.remote
def h():
    return CONSTANT

CONSTANT = 2
rayx.get(f.remote())
""") == [3]

    def test_redefinition(self, interactive):
        assert interactive("""
@rayx.remote
def f():
    return 1

first = f.remote()

@rayx.remote
def f():
    return 2

(rayx.get(first), rayx.get(f.remote()))
""") == [(1, 2)]

    def test_globals_are_those_of_the_first_call(self, interactive):
        """A function is pickled once; what it uses is what there was."""
        assert interactive("""
factor = 2

@rayx.remote
def f(x):
    return factor * x

first = rayx.get(f.remote(1))
factor = 3
(first, rayx.get(f.remote(1)))
""")[-1] == (2, 2)

    def test_closures_and_lambdas(self):
        def multiply_by(factor):
            return rayx.remote(lambda x: x * factor)

        double, triple = multiply_by(2), multiply_by(3)
        assert rayx.get([double.remote(5), triple.remote(5)]) == [10, 15]

    def test_partials_builtins_and_callables(self):
        class Adder:
            def __init__(self, n):
                self.n = n

            def __call__(self, x):
                return self.n + x

        assert rayx.get(rayx.remote(functools.partial(pow, 2)).remote(5)) == 32
        assert rayx.get(rayx.remote(len).remote([1, 2])) == 2
        assert rayx.get(rayx.remote(Adder(3)).remote(4)) == 7
        assert rayx.get(rayx.remote("a-b".split).remote("-")) == ["a", "b"]

    def test_methods(self):
        """A function of a class is no function of its instances; a bound one is."""

        class Model:
            def __init__(self, weight):
                self.weight = weight

            def predict(self, x):
                return self.weight * x

            @rayx.remote
            def train(self, x):
                return x

        assert rayx.get(rayx.remote(Model(3).predict).remote(4)) == 12
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
            Model(3).train.remote(4)

    def test_static_and_decorated(self):
        def twice(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args) * 2

            return wrapper

        @rayx.remote
        @twice
        def f(x):
            """Its words."""
            return x

        assert rayx.get(f.remote(4)) == 8
        assert f.__name__ == "f"
        assert f.__doc__ == "Its words."

    def test_what_is_not_a_function_is_refused(self):
        async def coroutine():
            pass

        with pytest.raises(TypeError, match="async"):
            rayx.remote(coroutine)
        with pytest.raises(TypeError, match="function"):
            rayx.remote(5)
        with pytest.raises(TypeError, match="already"):
            rayx.remote(increment)
        with pytest.raises(TypeError, match="num_cpu"):
            rayx.remote(num_cpu=2)
        with pytest.raises(TypeError, match="by name"):
            rayx.remote(increment.function, 2)

    def test_calling_it_directly(self):
        with pytest.raises(TypeError, match=r"increment\.remote\(\)"):
            increment(1)
        assert increment.function(1) == 2

    def test_remote_functions_as_arguments(self):
        @rayx.remote
        def apply(function, *args):
            return rayx.get(function.remote(*args))

        assert rayx.get(apply.remote(increment, 1)) == 2
        assert rayx.get(apply.remote(apply, apply, increment, 1)) == 2
        pair = echo.options(num_return_vals=2)
        assert rayx.get(apply.remote(pair, 3)) == [(3,), {}]

    def test_remote_functions_as_results(self):
        @rayx.remote
        def make(n):
            return rayx.remote(lambda x: x + n)

        made = rayx.get(make.remote(5))
        assert rayx.get(made.remote(1)) == 6
        assert rayx.get(made.options(num_cpus=2).remote(1)) == 6

    def test_code_of_the_test_itself_runs_elsewhere(self):
        pid = rayx.get(rayx.remote(os.getpid).remote())
        assert pid != os.getpid()


class TestMany:
    @pytest.mark.time_limit(60)
    def test_a_burst_of_ten_thousand(self):
        ids = [increment.remote(i) for i in range(10_000)]
        assert rayx.get(ids) == list(range(1, 10_001))

    def test_a_chain_of_a_thousand(self):
        object_id = 0
        for _ in range(1000):
            object_id = increment.remote(object_id)
        assert rayx.get(object_id) == 1000

    def test_a_diamond(self):
        @rayx.remote
        def join(*parts):
            return sum(parts)

        top = increment.remote(0)
        sides = [increment.remote(top) for _ in range(100)]
        assert rayx.get(join.remote(*sides, *sides)) == 400

    def test_a_thousand_functions(self):
        """Workers keep only so many; none is lost."""

        def make(n):
            return rayx.remote(lambda: n)

        functions = [make(n) for n in range(300)]
        assert rayx.get([f.remote() for f in functions]) == list(range(300))
        assert rayx.get([f.remote() for f in functions]) == list(range(300))
