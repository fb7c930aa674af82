"""Streams of PYTHON_MODE: what runs when."""

import types
from contextlib import contextmanager

import pytest

import rayx
from rayx.inline.streams import InlineStream


class Run:
    def __init__(self):
        self.args, self.kwargs = (3,), {}
        self.task = types.SimpleNamespace(frames=None)
        self.told = []

    def begins(self):
        return True

    def prepare(self):
        self.told.append("prepare")

    def begin_stream(self, value):
        def steps():
            for item in value:
                yield None
                self.told.append(item)
            yield None

        return "items", steps()

    def streamed(self, items):
        self.told.append("streamed")

    def failed(self, error):
        self.told.append(repr(error))

    def finish(self):
        self.told.append("finish")


@pytest.fixture
def run():
    return Run()


@pytest.fixture
def stream(run):
    @contextmanager
    def within():
        yield run

    return InlineStream(within, lambda: range)


def test_one_item_at_a_time(run, stream):
    assert run.told == []
    assert stream.advance()
    assert run.told == ["prepare", 0]
    assert stream.advance()
    assert stream.advance()
    assert run.told == ["prepare", 0, 1, 2]
    assert not stream.advance()
    assert run.told[-2:] == ["streamed", "finish"]


def test_an_error(run, stream):
    run.args = ("no number",)
    assert not stream.advance()
    assert "TypeError" in run.told[1]
    assert run.told[-1] == "finish"


def test_closing_one_that_has_not_begun(run, stream):
    stream.close()
    assert run.told == []


def test_nothing_runs_ahead():
    made = []
    with rayx.init(driver_mode=rayx.PYTHON_MODE, num_cpus=1):
        import builtins

        builtins.made_items = made  # functions are copies

        @rayx.remote(num_return_vals="stream")
        def items(n):
            import builtins

            for i in range(n):
                builtins.made_items.append(i)
                yield i

        try:
            stream = items.remote(100)
            assert made == []
            next(stream)
            next(stream)
            assert made == [0, 1]
            assert rayx.get(list(stream)) == list(range(2, 100))
        finally:
            del builtins.made_items
