import pickle
import pydoc

import pytest

import rayx
from rayx import session
from rayx.calls.remote_function import RemoteFunction


@rayx.remote
def add(a, b=1, *rest, key=0):
    "Adds."
    return a + b + sum(rest) + key


@rayx.remote
def later():
    return defined_later.remote(2)


@rayx.remote
def fib(n):
    return n if n < 2 else sum(rayx.get([fib.remote(n - 1), fib.remote(n - 2)]))


@rayx.remote
def is_even(n):
    return n == 0 or rayx.get(is_odd.remote(n - 1))


@rayx.remote
def is_odd(n):
    return n != 0 and rayx.get(is_even.remote(n - 1))


def test_looks_like_the_function():
    assert add.__name__ == "add"
    assert add.__doc__ == "Adds."
    assert add.__module__ == __name__
    assert repr(add) == "<rayx.remote function add>"
    assert add.function(1, 2) == 3


def test_attributes_that_a_function_carries(node):
    def carries(x):
        return x

    carries.author = "somebody"
    carries.options = carries.remote = carries.function = carries._name = "not ours"
    carries._function = carries._check = carries._template = carries.__doc__ = "not ours"
    carried = rayx.remote(carries)
    assert carried.author == "somebody"
    assert carried.__wrapped__ is carries
    assert carried.function is carries
    assert repr(carried.options(num_cpus=2)) == "<rayx.remote function carries>"
    assert carried.options(num_cpus=2).author == "somebody"
    carried.remote(1)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        carried.remote()


def test_a_callable_that_has_no_attributes():
    class AttrDict(dict):
        __getattr__ = dict.__getitem__

        def __call__(self):
            return len(self)

    assert rayx.remote(AttrDict(a=1)).function() == 1


def test_help_is_about_the_function():
    @rayx.remote
    def undocumented(text: str, base=10):
        return int(text, base)

    class Holder:
        member = undocumented

    shown = pydoc.render_doc(undocumented, renderer=pydoc.plaintext)
    assert "undocumented(text: str, base=10)" in shown
    assert "options" not in shown  # nothing of RemoteFunction
    assert "Adds." in pydoc.render_doc(add, renderer=pydoc.plaintext)
    # To be a routine for `help` makes it no method.
    assert Holder.member is Holder().member is undocumented


def test_cannot_be_called_directly():
    with pytest.raises(TypeError, match=r"use add\.remote\(\)"):
        add(1)


def test_arguments_of_all_kinds(node):
    assert rayx.get(add.remote(1)) == 2
    assert rayx.get(add.remote(1, 2, 3, 4, key=5)) == 15
    assert rayx.get(add.remote(b=5, a=1)) == 6
    assert rayx.get(add.remote(rayx.put(1), b=rayx.put(2))) == 3


def test_wrong_arguments_are_refused_where_they_are_given(node):
    with pytest.raises(TypeError, match=r"^add\(\) missing 1 required positional argument: 'a'$"):
        add.remote()
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'c'"):
        add.remote(1, c=2)
    assert not node.submitted


def test_chains_of_tasks(node):
    x = add.remote(0)
    for _ in range(2):
        x = add.remote(x)
    assert rayx.get(x) == 3


def test_return_values(node):
    @rayx.remote(num_return_vals=3)
    def three():
        return 1, 2, 3

    @rayx.remote(num_return_vals=0)
    def none():
        return "nobody looks"

    ids = three.remote()
    assert type(ids) is list
    assert rayx.get(ids) == [1, 2, 3]
    assert none.remote() is None


def test_recursion_of_all_kinds(node):
    assert rayx.get(fib.remote(6)) == 8
    assert rayx.get(is_even.remote(5)) is False
    assert sorted(node.exports) == ["fib", "is_even", "is_odd"]


@rayx.remote
def defined_later(x):
    return x * 10


def test_functions_defined_after_use(node):
    assert rayx.get(rayx.get(later.remote())) == 20


def test_redefinition_is_another_function(node):
    @rayx.remote
    def f():
        return 1

    first = f.remote()

    @rayx.remote
    def f():
        return 2

    assert rayx.get([first, f.remote()]) == [1, 2]


def test_is_exported_once_a_session(node):
    from fake_node import FakeClient

    rayx.get([add.remote(1), add.options(num_cpus=2).remote(1)])
    assert node.exports == ["add"]
    other = FakeClient()
    session.set_current(session.Session(other, session.SCRIPT_MODE))
    rayx.get(add.remote(1))
    assert other.exports == ["add"]


def test_options_reach_the_node(node):
    changed = add.options(num_cpus=2, num_gpus=1, resources={"disk": 0.5}, max_retries=-1)
    changed = changed.options(timeout=1.5, priority=-3, name="sum")
    changed.remote(1)
    template, _ = node.submitted[0]
    assert template.name == "sum"
    assert (template.options["timeout_ms"], template.options["priority"]) == (1500, -3)
    assert template.resources == {"CPU": 2.0, "GPU": 1.0, "disk": 0.5}
    assert template.options["max_retries"] == -1
    assert add._options.num_cpus is None
    with pytest.raises(TypeError, match="no option 'num_cpu'"):
        add.options(num_cpu=1)


def test_pickles_as_a_reference(node):
    again = pickle.loads(pickle.dumps(add.options(num_return_vals=1)))
    assert again == add
    assert hash(again) == hash(add)
    assert rayx.get(again.remote(1)) == 2
    with pytest.raises(TypeError, match="missing 1 required"):
        again.remote()
    assert again.function(1) == 2


def test_travels_as_argument_result_and_capture(node):
    @rayx.remote
    def apply(function, x):
        return rayx.get(function.remote(x))

    @rayx.remote
    def returns_one():
        return add

    @rayx.remote
    def captures(x):
        return rayx.get(apply.remote(add, x))

    assert rayx.get(apply.remote(add, 1)) == 2
    assert rayx.get(returns_one.remote()) == add
    assert rayx.get(captures.remote(5)) == 6


def test_needs_a_session():
    with pytest.raises(rayx.NotInitializedError, match=r"call rayx\.init\(\) first"):
        add.remote(1)


def test_options_of_the_other_kind():
    with pytest.raises(TypeError, match="on a function has no option 'max_restarts'"):
        rayx.remote(max_restarts=1)(len)
    with pytest.raises(TypeError, match="no option 'max_retries': an actor has max_restarts"):
        rayx.remote(max_retries=1)(dict)


def test_decorator_forms():
    assert isinstance(rayx.remote(len), RemoteFunction)
    assert isinstance(rayx.remote()(len), RemoteFunction)
    assert isinstance(rayx.remote(num_cpus=2)(len), RemoteFunction)
    assert repr(rayx.remote(lambda: 0)) == "<rayx.remote function <lambda>>"


def test_names_are_short_and_whole():
    function = lambda: 0  # noqa: E731
    function.__qualname__ = "é" * 100_000 + "\ud800"
    assert len(rayx.remote(function)._name.encode()) == 1024
    function.__qualname__ = "half\ud800"
    assert rayx.remote(function)._name == "half?"


async def coroutine(): ...


def generator():
    yield 1


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((5,), {}, TypeError, "takes a function or a class, not 5 of type int"),
        ((len, len), {}, TypeError, "either one function"),
        ((len,), {"num_cpus": 1}, TypeError, "either one function"),
        ((add,), {}, TypeError, "is a remote function already"),
        ((), {"max_restarts": 1, "max_retries": 1}, TypeError, r"functions \(max_retries\) and of"),
        ((), {"max_restarts": -2}, ValueError, "max_restarts must be between -1"),
        ((), {"timeout": 0}, ValueError, "timeout must be more than 0"),
        ((coroutine,), {}, TypeError, "coroutine is an async function"),
        ((), {"num_return_vals": "steam"}, TypeError, 'a whole number or "stream"'),
        ((), {"cpus": 1}, TypeError, "no option 'cpus'"),
    ],
)
def test_refuses(arguments, options, error, text):
    with pytest.raises(error, match=text):
        rayx.remote(*arguments, **options)


def test_a_generator_is_called_for_a_stream_only(node):
    remote = rayx.remote(generator)
    with pytest.raises(TypeError, match='generator is a generator function.*"stream"'):
        remote.remote()
    assert node.submitted == []
    remote.options(num_return_vals="stream").remote()
    ((template, _),) = node.submitted
    assert (template.num_return_vals, template.options["stream_window"]) == (1, 16)
