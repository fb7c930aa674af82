import functools
import io
import pickle
import typing

import pytest

from rayx.values import by_value, function_parts


def again(value):
    """What another process makes of it, as far as this one can tell."""
    file = io.BytesIO()
    by_value.ByValuePickler(file, protocol=5).dump(value)
    return pickle.loads(file.getvalue())


def local_cache():
    @functools.lru_cache(maxsize=3, typed=True)
    def count_down(n):
        """Down to zero."""
        return 0 if n == 0 else count_down(n - 1)

    return count_down


def test_a_cached_function_comes_back_with_an_empty_cache():
    counted = local_cache()
    counted(2)
    counted.note = "mine"
    copy = again(counted)
    assert copy is not counted
    assert copy.cache_info() == (0, 0, 3, 0)
    assert copy.cache_parameters() == {"maxsize": 3, "typed": True}
    assert (copy(2), copy.cache_info().misses) == (0, 3)
    assert (copy.__name__, copy.__doc__, copy.note) == ("count_down", "Down to zero.", "mine")
    assert copy.__wrapped__.__closure__[0].cell_contents is copy


def test_what_can_be_looked_up_is_left_to_pickle():
    for value in (functools.lru_cache(len), typing.AnyStr, io.open, again):
        assert function_parts.reduce(value) is NotImplemented or value.__module__ == "builtins"


def test_a_property_that_caches():
    class Model:
        size = 2

        @functools.cached_property
        def double(self):
            """Twice."""
            return 2 * self.size

    model = again(Model)()
    assert (model.double, vars(model)) == (4, {"double": 4})
    assert type(model).double.__doc__ == "Twice."


def test_a_function_that_dispatches():
    @functools.singledispatch
    def shown(value):
        """As text."""
        return "?"

    @shown.register
    def _(value: list):
        return [shown(one) for one in value]

    shown.register(int, str)
    shown.note = "mine"
    copy = again(shown)
    assert copy([1, "a"]) == ["1", "?"]
    assert (copy.__name__, copy.__doc__, copy.note) == ("shown", "As text.", "mine")
    copy.register(str, repr)
    assert shown("a") == "?"


@pytest.mark.parametrize(
    "make",
    [
        lambda: typing.NewType("Mine", int),
        lambda: typing.ParamSpec("P", bound=int),
        lambda: typing.TypeVarTuple("Ts"),
    ],
)
def test_names_of_typing_are_one_thing_in_a_process(make):
    name = make()
    name.__module__ = "__main__"
    assert again([name, name]) == [name, name]
    reduced = function_parts.reduce(name)
    _, identity, *_ = (reduced[0], *reduced[1])
    del function_parts._known[identity]  # as in another process
    copy = reduced[0](*reduced[1])
    assert copy is not name
    assert (copy.__name__, copy.__module__, type(copy)) == (name.__name__, "__main__", type(name))
    assert reduced[0](*reduced[1]) is copy
