"""Tasks that start tasks, and what else of rayx they may use."""

import threading

import numpy as np
import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def increment(x):
    return x + 1


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_depth(depth):
    @rayx.remote
    def down(n):
        return 0 if n == 0 else 1 + rayx.get(down.remote(n - 1))

    assert rayx.get(down.remote(depth)) == depth


def test_ids_come_back_at_once():
    @rayx.remote
    def start():
        return increment.remote(1)

    inner = rayx.get(start.remote())
    assert type(inner) is rayx.ObjectID
    assert rayx.get(inner) == 2


def test_put_get_and_wait():
    @rayx.remote
    def work(ids):
        array_id = rayx.put(np.arange(10**5))
        ready, remaining = rayx.wait(ids, num_returns=len(ids))
        assert not remaining
        total = sum(rayx.get(ready)) + int(rayx.get(array_id).sum())
        return total, array_id

    total, array_id = rayx.get(work.remote([increment.remote(i) for i in range(5)]))
    assert total == 15 + sum(range(10**5))
    assert rayx.get(array_id).sum() == sum(range(10**5))


def test_a_task_that_asks_about_its_session():
    @rayx.remote
    def ask():
        return rayx.is_initialized(), rayx.cluster_resources()

    assert rayx.get(ask.remote()) == (True, {"CPU": 2})


@pytest.mark.parametrize("call", [rayx.init, rayx.shutdown])
def test_sessions_are_not_for_tasks(call):
    @rayx.remote
    def begin():
        call()
        return rayx.get(increment.remote(1))

    if call is rayx.init:
        with pytest.raises(rayx.AlreadyInitializedError, match="the task"):
            rayx.get(begin.remote())
    else:
        assert rayx.get(begin.remote()) == 2


def test_threads_of_a_task():
    @rayx.remote
    def work():
        results = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(rayx.get(increment.remote(n))))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(results)

    assert rayx.get(work.remote()) == [1, 2, 3, 4]
