"""What callers see of a counter that is killed again and again, checked as a history.

Each call has a beginning, an end and an outcome: a value, or "nobody knows" (ActorDiedError). An
actor that is made anew begins at 0 and says so by a name of its own, so a value is a pair of that
name and a number. The checks are those of a sequential counter: RELIABILITY, 8.6.
"""

import os
import random
import signal
import time

import pytest

import rayx

CALLERS = 8
CALLS = 150
KILLS = 12


@rayx.remote(max_restarts=-1)
class Counter:
    def __init__(self):
        self.life = os.urandom(4).hex()
        self.value = 0

    def increment(self):
        self.value += 1
        return self.life, self.value

    def pid(self):
        return os.getpid()


@rayx.remote(num_cpus=0)
def call_often(counter, caller, calls):
    """The history of one caller: (caller, began, ended, value or None)."""
    history = []
    for _ in range(calls):
        began = time.monotonic()
        try:
            value = rayx.get(counter.increment.remote(), timeout=30)
        except rayx.ActorDiedError:
            value = None
        history.append((caller, began, time.monotonic(), value))
    return history


def kill_at_random(counter, histories):
    """Kills the actor's process again and again while callers are at work; how often it did."""
    rng = random.Random(7)
    kills = 0
    while kills < KILLS:
        _, running = rayx.wait(histories, num_returns=len(histories), timeout=rng.uniform(5, 40))
        if not running:
            break
        try:
            os.kill(rayx.get(counter.pid.remote(), timeout=30), signal.SIGKILL)
        except (rayx.ActorDiedError, ProcessLookupError):
            continue
        kills += 1
    return kills


@pytest.mark.time_limit(120)
def test_every_call_counts_at_most_once_and_in_order():
    with rayx.init(num_cpus=2):
        counter = Counter.remote()
        histories = [call_often.remote(counter, caller, CALLS) for caller in range(CALLERS)]
        kills = kill_at_random(counter, histories)
        calls = [call for history in rayx.get(histories, timeout=90) for call in history]
    assert kills >= 3, "the callers were done before anything was killed"
    assert len(calls) == CALLERS * CALLS
    known = [call for call in calls if call[3] is not None]
    assert len({value for *_, value in known}) == len(known), "one increment was seen twice"
    assert_real_time_order(known)
    assert_no_increment_without_a_call(calls, known)


def assert_real_time_order(known):
    """What had ended before another began, in the same life, counted less."""
    for life in {value[0] for *_, value in known}:
        of_life = sorted((call for call in known if call[3][0] == life), key=lambda c: c[3][1])
        latest_begin = 0.0
        for _, began, ended, (_, number) in of_life:
            assert ended >= latest_begin, f"{number} of {life} ended before a smaller one began"
            latest_begin = max(latest_begin, began)


def assert_no_increment_without_a_call(calls, known):
    """Numbers that nobody was given belong to calls whose outcome nobody knows."""
    missing = 0
    for life in {value[0] for *_, value in known}:
        numbers = {value[1] for *_, value in known if value[0] == life}
        missing += max(numbers) - len(numbers)
    assert missing <= len(calls) - len(known)
