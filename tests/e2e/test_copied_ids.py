"""Copies of ids and handles within a process count as references, and go with the last one."""

import copy
import dataclasses

import numpy as np
import pytest
from session_watch import poll_until

import rayx

MIB = 1 << 20


@pytest.fixture(params=[rayx.SCRIPT_MODE, rayx.PYTHON_MODE])
def small_store(request):
    with rayx.init(num_cpus=1, driver_mode=request.param, object_store_memory=64 * MIB):
        yield


@dataclasses.dataclass
class Batch:
    """What people keep ids in."""

    data: rayx.ObjectID


def by_copy(object_id):
    return copy.copy(object_id)


def by_deepcopy(object_id):
    return copy.deepcopy([{"id": object_id}])[0]["id"]


def by_asdict(object_id):
    return dataclasses.asdict(Batch(object_id))["data"]


def by_replace(object_id):
    return dataclasses.replace(Batch(object_id)).data


@pytest.mark.parametrize("copied", [by_copy, by_deepcopy, by_asdict, by_replace])
def test_an_object_goes_with_the_last_copy_of_its_id(small_store, copied):
    for number in range(40):  # of 8 MiB each, in a store of 64 MiB
        object_id = rayx.put(np.full(MIB, number))
        again = copied(object_id)
        assert again == object_id
        del object_id
        assert rayx.get(again)[0] == number


def test_an_actor_ends_with_the_last_copy_of_its_handle():
    @rayx.remote
    class Holder:
        def ping(self):
            return "pong"

    with rayx.init(num_cpus=1):
        for _ in range(3):  # each waits for the CPU of the one before
            holder = Holder.options(num_cpus=1).remote()
            again, method = copy.deepcopy([holder, holder.ping])
            assert again == holder
            del holder
            assert rayx.get([again.ping.remote(), method.remote()], timeout=60) == ["pong"] * 2
            del again, method
        poll_until(lambda: rayx.available_resources()["CPU"] == 1, 30, "the last actor has ended")


def test_remote_functions_and_classes_are_their_own_copies():
    @rayx.remote
    def double(x):
        return 2 * x

    @rayx.remote
    class Holder: ...

    assert copy.deepcopy([double, Holder]) == [double, Holder]  # without a session
    assert copy.copy(double) is double
