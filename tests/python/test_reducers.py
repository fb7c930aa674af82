import pickle
import sys
import types

import numpy as np
import pyarrow as pa
import pytest

from rayx import reducers


@pytest.fixture(autouse=True)
def known_libraries():
    reducers.refresh()


def rebuilt(reduced):
    make, arguments = reduced
    return make(*arguments)


def test_plain_things_are_left_to_pickle():
    for value in (1, [], object(), pa.array([1]), np.float64(1)):
        assert reducers.reduce(value) is NotImplemented


def test_arrays_that_are_left_to_numpy():
    named = np.dtype("f8", metadata={"unit": "m"})
    objects, records = np.array([[]], dtype=object), np.zeros(2, dtype="i4,f8")
    for value in (np.zeros((0, 3)), np.arange(6)[::2], objects, records, np.zeros(2, dtype=named)):
        assert reducers.reduce(value) is NotImplemented
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(value, 5)), value)


@pytest.mark.parametrize("dtype", ["?", "i1", ">u4", "<i8", "f2", "f8", ">f4", "g", "c16", "G"])
def test_numbers_go_with_the_name_of_their_type(dtype):
    array = np.arange(6).astype(dtype).reshape(2, 3)
    for variant in (array, np.asfortranarray(array), array[1], array[1, 2:].reshape(())):
        make, (buffer, *how) = reducers.reduce(variant)
        again = make(buffer.raw(), *how)
        np.testing.assert_array_equal(again, variant)
        assert (again.dtype, again.shape) == (variant.dtype, variant.shape)
        assert again.flags.forc
        assert np.shares_memory(again, variant)
        assert again.strides == variant.strides


@pytest.mark.parametrize("dtype", ["M8[ns]", ">M8[D]", "m8[s]"])
def test_dates_travel_as_integers(dtype):
    array = np.arange(6).astype(dtype).reshape(2, 3)
    for variant in (array, array[:, ::2], np.asfortranarray(array)):
        again = rebuilt(reducers.reduce(variant))
        np.testing.assert_array_equal(again, variant)
        assert again.dtype == variant.dtype


def test_arrow_data_becomes_one_buffer():
    table = pa.table({"a": [1, 2]})
    for value in (table, table.to_batches()[0]):
        make, (stream,) = reducers.reduce(value)
        assert type(stream) is pickle.PickleBuffer
        assert make(stream).equals(value)


def test_a_library_that_is_half_imported_is_looked_at_again(monkeypatch):
    monkeypatch.setattr(reducers, "_reducers", {})
    monkeypatch.setattr(
        reducers, "_libraries", {"pyarrow": lambda: reducers._add_arrow(sys.modules["pyarrow"])}
    )
    monkeypatch.setitem(sys.modules, "pyarrow", types.ModuleType("pyarrow"))
    reducers.refresh()
    assert reducers._libraries
    monkeypatch.setitem(sys.modules, "pyarrow", pa)
    reducers.refresh()
    assert not reducers._libraries
    assert pa.Table in reducers._reducers


class Tensor:
    """What of a torch tensor is asked for."""

    requires_grad = False
    contiguous = True
    on = "cpu"

    def __init__(self, array):
        self.array = array
        self.device = types.SimpleNamespace(type=self.on)

    def is_contiguous(self):
        return self.contiguous

    def is_conj(self):
        return False

    is_neg = is_conj

    def numpy(self):
        if self.array is None:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array


@pytest.fixture
def torch(monkeypatch):
    module = types.ModuleType("torch")
    module.Tensor = Tensor
    module.from_numpy = Tensor
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setattr(reducers, "_reducers", {})
    assert reducers._add_torch(module)


def test_a_tensor_becomes_its_array(torch):
    array = np.arange(4)
    make, (given,) = reducers.reduce(Tensor(array))
    assert given is array
    assert make(given).array is array


@pytest.mark.parametrize(
    "attributes", [{"requires_grad": True}, {"contiguous": False}, {"on": "cuda"}, {"array": None}]
)
def test_tensors_that_share_no_memory_are_left_to_torch(torch, attributes, monkeypatch):
    for name in attributes.keys() & {"requires_grad", "contiguous", "on"}:
        monkeypatch.setattr(Tensor, name, attributes[name])
    tensor = Tensor(attributes.get("array", np.arange(4)))
    assert reducers.reduce(tensor) is NotImplemented
