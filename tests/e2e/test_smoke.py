"""Does the whole of it work at all? Real processes; a few seconds."""

import os
import time

import numpy as np
import pytest

import rayx


@rayx.remote
def square(x):
    return x * x


@rayx.remote
def nested(n):
    return sum(rayx.get([square.remote(i) for i in range(n)]))


@rayx.remote
def total(array, factor=1):
    return float(array.sum()) * factor


@rayx.remote
def fail(text):
    raise ValueError(text)


@pytest.mark.time_limit(30)
def test_all_of_it(capfd):
    began = time.monotonic()
    with rayx.init(num_cpus=2) as addresses:
        assert rayx.get(square.remote(3)) == 9
        assert time.monotonic() - began < 5
        assert rayx.is_initialized()
        assert rayx.get([square.remote(i) for i in range(3)]) == [0, 1, 4]

        array = np.arange(10**6, dtype=np.float64)
        array_id = rayx.put(array)
        again = rayx.get(array_id)
        np.testing.assert_array_equal(again, array)
        assert not again.flags.writeable
        assert rayx.get(total.remote(array_id, factor=2)) == array.sum() * 2

        assert rayx.get(nested.remote(5)) == 30

        with pytest.raises(ValueError, match="boom") as caught:
            rayx.get(fail.remote("boom"))
        assert isinstance(caught.value, rayx.TaskError)
        assert caught.value.pid != os.getpid()

        ready, remaining = rayx.wait([square.remote(i) for i in range(4)], num_returns=4)
        assert (len(ready), len(remaining)) == (4, 0)
        assert rayx.cluster_resources()["CPU"] == 2
        assert [error["function"] for error in rayx.error_info()] == ["fail"]
    assert not rayx.is_initialized()
    assert not os.path.exists(addresses["session_dir"])
    np.testing.assert_array_equal(again, array)  # what was got outlives the session
    assert "ValueError: boom" not in capfd.readouterr().err  # it was got


@pytest.mark.time_limit(30)
def test_a_second_session_after_the_first():
    for _ in range(2):
        with rayx.init(num_cpus=1):
            assert rayx.get(square.remote(4)) == 16
