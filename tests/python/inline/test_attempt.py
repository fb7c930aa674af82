import asyncio
import gc
import weakref

import pytest

import rayx


@pytest.fixture(autouse=True)
def session():
    with rayx.init(driver_mode=rayx.PYTHON_MODE, num_cpus=2):
        yield


def fail(value):
    inner = value + 1
    raise ValueError(inner)


@rayx.remote
def f(value):
    fail(value)


@rayx.remote
def add_one(value):
    return value + 1


@rayx.remote
def calls(value):
    return rayx.get(f.remote(value))


@rayx.remote(num_return_vals="stream")
def yields(value):
    yield value
    fail(value)


@rayx.remote
class Actor:
    def method(self, value):
        fail(value)


@rayx.remote
class Async:
    async def method(self, value):
        await asyncio.sleep(0)  # task work
        fail(value)


def last_frame(error):
    """Where `pdb.pm()` lands."""
    frames = error.__traceback__
    while frames.tb_next is not None:
        frames = frames.tb_next
    return frames.tb_frame


def failure(get):
    with pytest.raises(ValueError) as caught:
        get()
    return caught.value


@pytest.mark.parametrize(
    "get",
    [
        lambda: rayx.get(f.remote(1)),
        lambda: rayx.get([add_one.remote(1), f.remote(1)]),
        lambda: rayx.get(add_one.remote(f.remote(1))),
        lambda: rayx.get(calls.remote(1)),
        lambda: f.remote(1).future().result(10),
        lambda: list(rayx.map(f, [1])),
        lambda: [rayx.get(one) for one in yields.remote(1)],
        lambda: rayx.get(Actor.remote().method.remote(1)),
        lambda: rayx.get(Async.remote().method.remote(1)),
    ],
)
def test_the_frames_are_those_of_the_task(get):
    error = failure(get)
    for one in (error, error.cause):
        frame = last_frame(one)
        assert frame.f_code is fail.__code__
        assert frame.f_locals == {"value": 1, "inner": 2}


def test_twice():
    object_id = f.remote(1)
    for _ in range(2):
        assert last_frame(failure(lambda: rayx.get(object_id))).f_locals["inner"] == 2


KEPT = []


class Kept:
    def __init__(self):
        KEPT.append(weakref.ref(self))


@rayx.remote
def keeps():
    kept = Kept()
    raise ValueError(type(kept))


def test_what_is_kept_goes_with_the_failure():
    KEPT.clear()
    object_id = keeps.remote()
    assert KEPT[0]() is not None
    del object_id
    gc.collect()
    assert KEPT[0]() is None


def test_frames_of_callers_are_not_kept():
    def call():
        kept = Kept()
        return f.remote(1), type(kept)

    KEPT.clear()
    object_id, _ = call()
    gc.collect()
    assert KEPT[0]() is None
    assert last_frame(failure(lambda: rayx.get(object_id))).f_code is fail.__code__


def test_what_is_for_the_driver():
    @rayx.remote
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted.remote()
