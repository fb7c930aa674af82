"""Processes that only wait for each other meet on one processor; nobody else notices."""

import os
import re
import threading
import time

import pytest
from session_watch import poll_until

import rayx
from rayx import questions

ROUNDS = 200
EVERYWHERE = os.sched_getaffinity(0)


def meeting_place():
    text = questions.dump(rayx.session.current().client, 10_000)
    return re.search("waiting processes meet on (.*)", text)[1]


@pytest.fixture
def session():
    with rayx.init(num_cpus=2) as facts:
        yield facts


@rayx.remote
def allowed(_=None):
    return os.sched_getaffinity(0)


def call_with_object():
    """A call that needs the node: others soon go to their worker directly."""
    return allowed.remote(rayx.put(1))


def play(call):
    """Calls one after the other until the processes meet; a noisy machine may need more rounds."""

    def round_of_calls():
        assert all(rayx.get(call()) == EVERYWHERE for _ in range(ROUNDS))
        return meeting_place().startswith("CPU ")

    poll_until(round_of_calls, 20, "the processes to meet")


def test_tasks_one_after_the_other(session):
    play(call_with_object)
    assert os.sched_getaffinity(0) == EVERYWHERE


def test_calls_of_an_actor(session):
    @rayx.remote
    class Actor:
        def allowed(self, _):
            return os.sched_getaffinity(0)

    actor = Actor.remote()
    play(lambda: actor.allowed.remote(rayx.put(1)))


def test_two_at_once_part_them(session):
    play(call_with_object)

    @rayx.remote
    def slow():
        time.sleep(0.05)  # task work

    rayx.get([slow.remote(), slow.remote()])
    assert meeting_place() == "any CPU"


def test_tasks_that_take_a_while_run_beside_each_other(session):
    """However the processes slept before: two tasks that must meet are on their way at once."""

    @rayx.remote
    class Meeting:
        async def join(self, number):
            self.number = getattr(self, "number", 0) + 1
            return self.number

    play(call_with_object)
    meeting = Meeting.remote()

    @rayx.remote
    def attend(meeting):
        return rayx.get(meeting.join.remote(1), timeout=10)

    assert sorted(rayx.get([attend.remote(meeting) for _ in range(4)], timeout=20)) == [1, 2, 3, 4]


def test_threads_of_the_driver_are_not_bound(session):
    play(call_with_object)
    found = []
    thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
    rayx.get(allowed.remote())
    thread.start()
    thread.join()
    assert found == [EVERYWHERE]
