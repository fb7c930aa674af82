"""Deep and wide graphs of tasks, and objects that hold each other: thousands are not many."""

import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def add_one(x):
    return x + 1


@rayx.remote
def total(*values):
    return sum(values)


@rayx.remote
def total_of_ids(ids):
    return sum(rayx.get(ids))


@rayx.remote
def fail():
    raise ValueError("the root")


def chain(first, length):
    """The last of so many tasks, each of which waits for the one before."""
    last = first
    for _ in range(length):
        last = add_one.remote(last)
    return last


def test_a_chain_of_ten_thousand():
    assert rayx.get(chain(0, 10_000)) == 10_000


def test_the_failure_of_a_chain_is_that_of_its_root():
    with pytest.raises(ValueError, match="the root") as caught:
        rayx.get(chain(fail.remote(), 10_000))
    assert caught.value.function == "fail"
    assert len(str(caught.value)) < 1000


def test_ten_thousand_arguments():
    ids = [add_one.remote(i) for i in range(10_000)]
    expected = sum(range(1, 10_001))
    assert rayx.get(total.remote(*ids)) == expected
    assert rayx.get(total_of_ids.remote(ids)) == expected
    assert rayx.get(total.remote(*[ids[0]] * 1000)) == 1000


def test_a_tree_of_sums():
    level = [add_one.remote(i) for i in range(512)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [total.remote(left, right) for left, right in pairs]
    assert rayx.get(level[0]) == sum(range(1, 513))


def test_tasks_within_tasks():
    @rayx.remote
    def depth(n):
        return 0 if n == 0 else 1 + rayx.get(depth.remote(n - 1))

    assert rayx.get(depth.remote(15)) == 15


def test_objects_within_objects():
    """A chain of objects, each of which keeps the next, goes in one turn when the first goes."""
    held = rayx.put(["last"])
    for _ in range(5000):
        held = rayx.put([held])
    for _ in range(5000):
        held = rayx.get(held)[0]
    assert rayx.get(held) == ["last"]
    for _ in range(5000):
        held = rayx.put([held])
    del held
    assert rayx.get(add_one.remote(1)) == 2


def test_an_object_of_many_ids():
    ids = rayx.get(rayx.put([rayx.put(i) for i in range(20_000)]))
    assert rayx.get(ids) == list(range(20_000))


def test_a_chain_of_calls_of_one_actor():
    @rayx.remote
    class Adder:
        def add_one(self, x):
            return x + 1

    adder, last = Adder.remote(), 0
    for _ in range(2000):
        last = adder.add_one.remote(last)
    assert rayx.get(last) == 2000


def test_results_taken_one_by_one():
    waiting, taken = [add_one.remote(i) for i in range(1000)], []
    while waiting:
        ready, waiting = rayx.wait(waiting)
        taken += rayx.get(ready)
    assert sorted(taken) == list(range(1, 1001))
