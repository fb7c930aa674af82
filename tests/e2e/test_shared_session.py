"""What a session of several tests opens before the first of them (tests/conftest.py)."""

import time

import rayx
from rayx import questions


def test_the_direct_channel_is_there_before_the_first_test(
    rayx_session, open_for_good, still_to_come
):
    open_for_good()
    dump = questions.dump(rayx.session.current().client, 10_000)
    assert "worker lease: from peer" in dump or still_to_come["fds"] == 2


def test_a_machine_too_busy_for_a_lease_fails_no_test(rayx_session, open_for_good, still_to_come):
    # No round is quick enough for the node to grant one.
    def follow(number):
        time.sleep(0.02)  # task work
        return number

    open_for_good(follow, patience=0.5)
    assert still_to_come["fds"] == 2
    open_for_good()
    assert still_to_come["fds"] in (0, 2)
