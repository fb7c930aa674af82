"""GPUs by index. None is needed: they are counted."""

import os
import signal

import pytest
from session_watch import note, poll_until

import rayx


@pytest.fixture(autouse=True)
def session(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with rayx.init(num_cpus=4, num_gpus=4) as addresses:
        yield addresses


def seen():
    return rayx.get_gpu_ids(), os.environ["CUDA_VISIBLE_DEVICES"]


@rayx.remote
class Holder:
    def __init__(self):
        self.at_first = os.environ["CUDA_VISIBLE_DEVICES"]

    def gpus(self):
        return rayx.get_gpu_ids()

    def variable(self):
        return self.at_first, os.environ["CUDA_VISIBLE_DEVICES"]

    def pid(self):
        return os.getpid()

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)


def all_free():
    return rayx.available_resources().get("GPU", 0) == 4


def test_a_task_without_gpus_sees_none():
    assert rayx.get(rayx.remote(seen).remote()) == ([], "")
    assert rayx.get_gpu_ids() == []


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_task_sees_what_it_asked_for(count):
    ids, variable = rayx.get(rayx.remote(num_gpus=count)(seen).remote())
    assert len(set(ids)) == count
    assert set(ids) <= set(range(4))
    assert variable == ",".join(map(str, ids))


def test_actors_have_gpus_of_their_own_for_life():
    holders = [Holder.options(num_gpus=1).remote() for _ in range(4)]
    ids = rayx.get([holder.gpus.remote() for holder in holders])
    assert sorted(ids) == [[0], [1], [2], [3]]
    assert rayx.get([holder.gpus.remote() for holder in holders]) == ids
    for holder, (index,) in zip(holders, ids, strict=True):
        assert rayx.get(holder.variable.remote()) == (str(index), str(index))
    assert rayx.available_resources().get("GPU", 0) == 0


def test_an_actor_waits_for_gpus_in_use():
    first = Holder.options(num_gpus=3).remote()
    rayx.get(first.gpus.remote())
    second = Holder.options(num_gpus=2).remote()
    call = second.gpus.remote()
    ready, _ = rayx.wait([call], timeout=50)
    assert not ready
    rayx.kill(first)
    assert len(rayx.get(call, timeout=10)) == 2


def test_what_there_will_never_be():
    with pytest.raises(rayx.InfeasibleError, match="asks for 5 GPU, of which there are 4 in all"):
        Holder.options(num_gpus=5).remote()
    with pytest.raises(rayx.InfeasibleError):
        rayx.get(rayx.remote(num_gpus=5)(seen).remote(), timeout=10)
    with pytest.raises(ValueError, match="whole number"):
        rayx.remote(num_gpus=1.5)(seen)


def test_fractions_share_one():
    holders = [Holder.options(num_gpus=0.25).remote() for _ in range(8)]
    ids = rayx.get([holder.gpus.remote() for holder in holders])
    assert all(len(one) == 1 for one in ids)
    used = {index for (index,) in ids}
    assert len(used) == 2
    assert all(ids.count([index]) == 4 for index in used)


def test_tasks_that_run_side_by_side_never_overlap(tmp_path):
    log = str(tmp_path / "log")

    @rayx.remote(num_gpus=1, num_cpus=0)
    def use():
        (index,) = rayx.get_gpu_ids()
        path = tmp_path / f"gpu{index}"
        path.touch(exist_ok=False)
        note(log, index)
        path.unlink()
        return index

    used = rayx.get([use.remote() for _ in range(40)], timeout=50)
    assert set(used) <= set(range(4))
    assert len(open(log).read().split()) == 40


@pytest.mark.parametrize("end", ["kill", "die", "drop"])
def test_they_come_back_whatever_the_end(end):
    holder = Holder.options(num_gpus=4).remote()
    assert sorted(rayx.get(holder.gpus.remote())) == [0, 1, 2, 3]
    if end == "kill":
        rayx.kill(holder)
    elif end == "die":
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(holder.die.remote())
    del holder
    poll_until(all_free, 10, "the GPUs are free")
    again = Holder.options(num_gpus=4).remote()
    assert len(rayx.get(again.gpus.remote(), timeout=10)) == 4


def test_a_worker_that_had_gpus_does_not_keep_them():
    @rayx.remote(num_gpus=1)
    def pid():
        return os.getpid()

    first = rayx.get(pid.remote())
    poll_until(lambda: not os.path.exists(f"/proc/{first}"), 10, "the worker ends")
    assert rayx.get(pid.remote(), timeout=10) != first


def test_a_restarted_actor_has_gpus_again():
    holder = Holder.options(num_gpus=2, max_restarts=1).remote()
    assert len(rayx.get(holder.gpus.remote())) == 2
    with pytest.raises(rayx.ActorDiedError):
        rayx.get(holder.die.remote())
    assert len(rayx.get(holder.gpus.remote(), timeout=10)) == 2


@pytest.mark.parametrize(("cpus", "threads"), [(1, "1"), (3, "3"), (0.5, "1")])
def test_libraries_start_as_many_threads_as_the_task_has_cpus(cpus, threads):
    @rayx.remote(num_cpus=cpus)
    def variables():
        return os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]

    assert rayx.get(variables.remote())[0] == threads


def test_the_users_own_settings(run_program):
    out, _ = run_program("""
import os
os.environ |= {"CUDA_VISIBLE_DEVICES": "6,7", "OMP_NUM_THREADS": "5"}
import rayx

@rayx.remote
def seen():
    return rayx.get_gpu_ids(), os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]

with rayx.init(num_cpus=2, num_gpus=2):
    print(rayx.get(seen.options(num_gpus=2).remote()))
    print(rayx.get(seen.remote()))
with rayx.init(num_cpus=2):
    print(rayx.get(seen.remote()))
""")
    assert out.splitlines() == [
        "([6, 7], '6,7', '5')",
        "([], '', '5')",
        "([], '6,7', '5')",
    ]
