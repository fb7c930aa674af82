"""`as_completed` and `progress` with real workers."""

import time

import pytest

import rayx


@pytest.fixture(autouse=True)
def shared(shared_session):
    return shared_session


@rayx.remote(num_cpus=0.2)
def after(seconds, value=None):
    time.sleep(seconds)  # task work
    return value


def test_in_the_order_in_which_they_come():
    ids = [after.remote(seconds, seconds) for seconds in (0.9, 0.05, 0.5)]
    rayx.get(after.remote(0))
    assert [rayx.get(one) for one in rayx.as_completed(ids)] == [0.05, 0.5, 0.9]


def test_timeout():
    slow = after.remote(1.5)
    arriving = rayx.as_completed([slow, rayx.put(1)], timeout=0.2)
    next(arriving)
    began = time.monotonic()
    with pytest.raises(rayx.GetTimeoutError, match="1 of 2 objects were ready after 0.2 seconds"):
        next(arriving)
    assert time.monotonic() - began < 1
    rayx.get(slow)


def test_many():
    ids = [after.remote(0, i) for i in range(3000)]
    assert sorted(rayx.get(one) for one in rayx.as_completed(ids)) == list(range(3000))


def test_breaking_off_leaves_nothing():
    ids = [after.remote(0.01, i) for i in range(50)]
    for _ in rayx.as_completed(ids):
        break
    assert len(rayx.get(ids)) == 50


def test_a_parent_lends_its_cpus_while_it_waits():
    @rayx.remote(num_cpus=2)
    def parent():
        return [rayx.get(one) for one in rayx.as_completed([after.remote(0, 7)])]

    assert rayx.get(parent.remote(), timeout=20) == [7]


def test_progress_returns_the_ids():
    ids = [after.remote(0, i) for i in range(20)]
    assert rayx.get(rayx.progress(ids)) == list(range(20))
