"""Values of libraries that write into read-only memory, as torch does."""

import ctypes
import pickle

import numpy as np
import pytest

import rayx
from rayx.values import reducers

# Kept on the heap of each process; in the pool, and copied; in the pool, and mapped anew.
SIZES = [100, 300_000, 8 << 20]


class Unguarded:
    """An array whose library knows nothing of read-only memory."""

    def __init__(self, array):
        self.array = array

    def fill(self, byte):
        ctypes.memset(self.array.ctypes.data, byte, self.array.nbytes)

    def __reduce__(self):
        return rebuilt, (pickle.PickleBuffer(self.array),)


def rebuilt(buffer):
    return Unguarded(np.frombuffer(reducers.writable(buffer), np.uint8))


@pytest.fixture(params=[rayx.SILENT_MODE, rayx.PYTHON_MODE])
def session(request):
    with rayx.init(num_cpus=2, driver_mode=request.param, object_store_memory=256 << 20):
        yield


def values_of(one):
    return set(np.unique(one.array))


@pytest.mark.parametrize("size", SIZES)
def test_what_was_got_may_be_written_and_nobody_sees_it(session, size):
    object_id = rayx.put({"a": Unguarded(np.full(size, 3, np.uint8)), "b": np.arange(5)})
    first, second = rayx.get([object_id, object_id])
    first["a"].fill(4)
    assert values_of(first["a"]) == {4}
    assert values_of(second["a"]) == {3}
    assert values_of(rayx.get(object_id)["a"]) == {3}
    assert not first["b"].flags.writeable


@pytest.mark.parametrize("size", SIZES)
def test_a_task_may_write_into_its_arguments(session, size):
    @rayx.remote
    def write(one, more):
        one.fill(5)
        for another in more:
            another.fill(6)
        return values_of(one), [values_of(another) for another in more], one

    stored = rayx.put(Unguarded(np.full(size, 3, np.uint8)))
    for _ in range(3):
        given, more, result = rayx.get(write.remote(stored, [Unguarded(np.ones(size, np.uint8))]))
        assert (given, more) == ({5}, [{6}])
        result.fill(7)
        assert values_of(result) == {7}
    assert values_of(rayx.get(stored)) == {3}


def test_several_parts_of_an_object_do_not_touch_each_other(session):
    parts = [Unguarded(np.full(size, 3, np.uint8)) for size in (10, 5000, 5 << 20, 7)]
    object_id = rayx.put(parts)
    got = rayx.get(object_id)
    for byte, part in enumerate(got):
        part.fill(byte)
    assert [values_of(part) for part in got] == [{0}, {1}, {2}, {3}]
    assert [values_of(part) for part in rayx.get(object_id)] == [{3}] * 4


def test_what_was_written_stays_when_the_object_is_gone_and_others_come(session):
    kept = rayx.get(rayx.put(Unguarded(np.full(8 << 20, 3, np.uint8))))
    kept.array[:4096] = 4
    for number in range(40):
        rayx.put(np.full(8 << 20, number, np.uint8))
    assert set(kept.array[:4096]) == {4}
    assert set(np.unique(kept.array[4096:])) == {3}


def test_the_memory_goes_with_the_last_value(session):
    for _ in range(100):  # of 8 MiB each, in a store of 256 MiB
        one = rayx.get(rayx.put(Unguarded(np.zeros(8 << 20, np.uint8))))
        one.array[0] = 1


def test_it_stays_valid_after_the_session():
    with rayx.init(num_cpus=1):
        one = rayx.get(rayx.put(Unguarded(np.full(8 << 20, 3, np.uint8))))
    assert values_of(one) == {3}
    one.fill(4)
    assert values_of(one) == {4}


# ---- torch itself --------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("size", [10, 300_000, 3_000_000])
def test_tensors_may_be_written(session, torch, size):
    object_id = rayx.put(torch.zeros(size))
    tensor = rayx.get(object_id)
    tensor += 1
    assert tensor.sum() == size
    assert rayx.get(object_id).sum() == 0


def test_a_module_can_be_trained_in_a_task(session, torch, monkeypatch, tmp_path):
    # An optimizer sets it otherwise, for as long as the process lives.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))

    @rayx.remote
    def train(module):
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        before = module.weight.detach().clone()
        module(torch.ones(4, 600)).sum().backward()
        optimizer.step()
        return module, bool((module.weight != before).all())

    module = torch.nn.Linear(600, 600)
    module.register_buffer("steps", torch.zeros(300_000))
    trained, has_changed = rayx.get(train.remote(module))
    assert has_changed
    trained.steps += 1
    with torch.no_grad():
        trained.weight += 1


def test_every_kind_of_tensor_comes_back_as_it_was(session, torch):
    tensors = [
        torch.arange(12).reshape(3, 4),
        torch.arange(12).reshape(3, 4).t(),
        torch.tensor(1.5),
        torch.zeros(0, 3),
        torch.ones(5, dtype=torch.bfloat16),
        torch.ones(5, dtype=torch.complex64),
        torch.ones(5, dtype=torch.complex64).conj(),
        torch.tensor([True, False]),
        torch.ones(3, requires_grad=True),
        torch.nn.Parameter(torch.ones(3)),
        torch.eye(3).to_sparse(),
    ]
    for tensor, again in zip(tensors, rayx.get(rayx.put(tensors)), strict=True):
        assert type(again) is type(tensor)
        assert (again.dtype, again.shape) == (tensor.dtype, tensor.shape)
        assert (again.requires_grad, again.layout) == (tensor.requires_grad, tensor.layout)
        assert torch.equal(again.to_dense(), tensor.to_dense())


def test_a_part_of_a_tensor_is_stored_without_the_rest(session, torch):
    table = torch.arange(30_000_000).reshape(3_000_000, 10)  # as large as the whole store
    for part in (table[5:7], table[:, 3][:1000], table[:100, 2:4]):
        assert torch.equal(rayx.get(rayx.put(part)), part)


def test_memory_can_be_shared_and_resized_as_of_any_tensor(session, torch):
    tensor = rayx.get(rayx.put(torch.ones(1_000_000)))
    tensor.share_memory_()
    tensor += 1
    assert tensor.sum() == 2_000_000
