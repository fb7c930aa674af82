import re

import pytest

import rayx
from rayx.calls.actor_options import ActorOptions
from rayx.calls.task_options import TaskOptions
from rayx.text import words

TABLES = {name: table for name, table in vars(words).items() if name.isupper() and name[0] != "_"}
# What a sentence says to write.
MENTIONED = re.compile(r"\brayx\.(\w+)")


@rayx.remote
def f(x):
    return x


@rayx.remote(num_returns=2)
def pair():
    return 1, 2


@rayx.remote
class Splitter:
    @rayx.method(num_returns=2)
    def split(self, items):
        return items[::2], items[1::2]

    def first(self):
        return 3, 4


def test_there_are_tables():
    assert len(TABLES) == 13
    assert "timeline" in words.MODULE and "address" in words.INIT


@pytest.mark.parametrize("table", TABLES)
def test_what_is_advised_is_there(table):
    for word, text in TABLES[table].items():
        assert text and not text.endswith("."), word
        for name in MENTIONED.findall(text):
            assert name in (*rayx.__all__, "cluster", "state"), (word, name)


def test_no_word_of_ours_is_refused():
    assert not words.MODULE.keys() & set(rayx.__all__)
    assert not words.FUNCTION_OPTIONS.keys() & set(TaskOptions._fields)
    assert not words.CLASS_OPTIONS.keys() & set(ActorOptions._fields)


@pytest.mark.parametrize("name", words.MODULE)
def test_names_in_the_module(name):
    with pytest.raises(AttributeError) as caught:
        getattr(rayx, name)
    assert str(caught.value) == f"module 'rayx' has no attribute '{name}': {words.MODULE[name]}"
    assert not hasattr(rayx, name)


def test_other_names():
    with pytest.raises(AttributeError, match="^module 'rayx' has no attribute 'nothing'$"):
        _ = rayx.nothing


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: rayx.init(address="auto"), "no argument 'address': .*redis_address=info"),
        (lambda: rayx.init(local_mode=True), "no argument 'local_mode': driver_mode=rayx.PYTHON_M"),
        (lambda: rayx.init(log_to_driver=False), "no argument 'log_to_driver': .*SILENT_MODE"),
        (
            lambda: rayx.init(num_cpu=2),
            "rayx.init has no argument 'num_cpu'. Did you mean 'num_cpus'",
        ),
        (lambda: rayx.wait([], fetch_local=True), "no argument 'fetch_local': .*leave it out"),
        (lambda: rayx.map(f, [1], batch_size=3), "no argument 'batch_size': chunksize="),
        (lambda: rayx.progress([], desc="a"), "no argument 'desc': description='…'"),
        (lambda: rayx.cancel(None, recursive=True), "no argument 'recursive': "),
        (lambda: rayx.kill(None, no_restart=False), "no argument 'no_restart': "),
        (
            lambda: f.options(retries=2),
            "on a function has no option 'retries': a function has max_r",
        ),
        (
            lambda: rayx.remote(scheduling_strategy="SPREAD"),
            "'scheduling_strategy': a session is on",
        ),
        (
            lambda: Splitter.options(lifetime="detached"),
            "no option 'lifetime': an actor with a name",
        ),
        (lambda: rayx.remote(lifetime="detached", name="a"), "no option 'lifetime': an actor with"),
        (lambda: rayx.method(concurrency_group="io"), "no argument 'concurrency_group': max_conc"),
        (lambda: f.options(num_returns=1, num_return_vals=1), "are the same: give one of them"),
        (lambda: f.options(num_returns="dynamic"), 'a whole number or "stream"'),
    ],
)
def test_arguments(call, text):
    with pytest.raises(TypeError, match=text):
        call()


def test_attributes():
    with pytest.raises(AttributeError, match=r"remote function f has no .* 'submit': use .remote"):
        f.submit(1)
    assert not hasattr(f, "map")
    with rayx.init(num_cpus=1, driver_mode=rayx.PYTHON_MODE) as context:
        with pytest.raises(AttributeError, match="no attribute 'submit': rayx.remote.f.*begins a"):
            context.submit(f, 1)
        with pytest.raises(AttributeError, match="no attribute 'address': *$|'address'$"):
            _ = context.address


@pytest.fixture
def inline():
    with rayx.init(num_cpus=1, driver_mode=rayx.PYTHON_MODE):
        yield


def test_num_returns_is_num_return_vals(inline):
    assert rayx.get(pair.remote()) == [1, 2]
    assert rayx.get(f.options(num_returns=2).remote((5, 6))) == [5, 6]
    splitter = Splitter.remote()
    assert rayx.get(splitter.split.remote([1, 2, 3])) == [[1, 3], [2]]
    assert rayx.get(splitter.first.options(num_returns=2).remote()) == [3, 4]

    @rayx.remote(num_returns="stream")
    def count(n):
        yield from range(n)

    assert [rayx.get(object_id) for object_id in count.remote(3)] == [0, 1, 2]
