import datetime
import fractions

import numpy as np
import pytest

from rayx.text.durations import MILLISECONDS, SECONDS, in_units, milliseconds


@pytest.mark.parametrize(
    ("value", "in_seconds", "in_milliseconds"),
    [
        (0, 0, 0),
        (5, 5000, 5),
        (0.0015, 2, 1),
        (datetime.timedelta(seconds=5), 5000, 5000),
        (datetime.timedelta(microseconds=1), 1, 1),
        (datetime.timedelta(milliseconds=7), 7, 7),
        (np.int64(2), 2000, 2),
        (np.float32(0.5), 500, 1),
        (fractions.Fraction(1, 2), 500, 1),
        (float("inf"), -1, -1),
        (datetime.timedelta.max, -1, -1),
    ],
)
def test_numbers_and_timedeltas(value, in_seconds, in_milliseconds):
    assert milliseconds("timeout", value, SECONDS) == in_seconds
    assert milliseconds("timeout", value, MILLISECONDS) == in_milliseconds


@pytest.mark.parametrize("milli", range(1, 2000, 7))
def test_whole_milliseconds_stay_whole(milli):
    assert milliseconds("timeout", datetime.timedelta(milliseconds=milli), SECONDS) == milli


@pytest.mark.parametrize("value", [None, "1", b"1", True, [1], datetime.datetime(2020, 1, 1)])
def test_what_is_no_time(value):
    with pytest.raises(
        TypeError, match=r"wait must be a number of seconds, a datetime\.timedelta or None, not "
    ):
        in_units("wait", value, SECONDS)


def test_negative_times():
    with pytest.raises(ValueError, match=r"wait must not be negative, but is -1 seconds; None"):
        milliseconds("wait", -1, SECONDS)
    with pytest.raises(ValueError, match=r"but is datetime\.timedelta\(days=-1\); None waits"):
        milliseconds("wait", datetime.timedelta(days=-1), SECONDS)
    with pytest.raises(ValueError, match="but is nan milliseconds"):
        milliseconds("wait", float("nan"), MILLISECONDS)
