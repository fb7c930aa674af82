import pytest

import rayx


@pytest.fixture(autouse=True)
def inline():
    with rayx.init(num_cpus=2, driver_mode=rayx.PYTHON_MODE):
        yield


@rayx.remote
def double(x):
    return 2 * x


@rayx.remote
def fail():
    raise KeyError("no")


@rayx.remote
class Caller:
    """Makes ids that are not there while it runs."""

    def value(self):
        return 1

    def call(self, me, function):
        return function(me.value.remote())


def while_pending(function):
    """The result of `function(object_id)`, while that is not there."""
    caller = Caller.remote()
    return rayx.get(caller.call.remote(caller, function))


def test_each_once(capfd):
    ids = [double.remote(i) for i in range(3)] + [fail.remote()]
    assert set(rayx.as_completed(ids)) == set(ids)
    assert len(list(rayx.as_completed([*ids, ids[0]]))) == 4
    assert list(rayx.as_completed([])) == []
    assert set(rayx.as_completed(one for one in ids)) == set(ids)


def test_timeout():
    def function(pending):
        with pytest.raises(rayx.GetTimeoutError, match="1 of 2 objects were ready after 0.01"):
            list(rayx.as_completed([rayx.put(1), pending], timeout=0.01))

    while_pending(function)


def test_a_wait_for_oneself_is_refused():
    def function(pending):
        ready = rayx.put(1)
        arriving = rayx.as_completed([ready, pending])
        first = next(arriving)
        with pytest.raises(rayx.DeadlockError):
            next(arriving)
        return first == ready

    assert while_pending(function)


def test_ids_as_keys():
    """The idiom of concurrent.futures."""
    names = {rayx.put(name): name for name in ("a", "b")}
    taken = {names[object_id]: rayx.get(object_id) for object_id in rayx.as_completed(names)}
    assert taken == {"a": "a", "b": "b"}
    with pytest.raises(TypeError, match="item at index 0 is of type str"):
        rayx.as_completed({"a": rayx.put(1)})


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (5, "rayx.as_completed takes a list of ObjectIDs, not int"),
        ("ids", "not str"),
        ([1], "item at index 0 is of type int"),
    ],
)
def test_refuses_at_once(argument, text):
    with pytest.raises(TypeError, match=text):
        rayx.as_completed(argument)


def test_refuses_timeouts():
    with pytest.raises(ValueError, match="timeout must not be negative"):
        rayx.as_completed([], timeout=-1)
    with pytest.raises(TypeError, match="timeout must be a number"):
        rayx.as_completed([], timeout="1")
