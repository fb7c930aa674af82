import pickle
import sys
import types

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from rayx.values import reducers, serialization


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


ARROW_ARRAYS = [
    pa.array(range(100_000)),
    pa.array([None, 1.5] * 50_000),
    pa.array(["text", None, "more"] * 30_000),
    pa.array([True, False, None] * 50_000),
    pa.array([[1, 2], None, []] * 30_000),
    pa.array([{"a": 1, "b": "x"}, None] * 30_000),
    pa.array(["a", "b"] * 50_000).dictionary_encode(),
    pa.array([b"xy"] * 50_000, pa.binary(2)),
    pa.array([[1, 2]] * 50_000, pa.list_(pa.int64(), 2)),
    pa.array(["text of more than twelve bytes"] * 9_000, pa.string_view()),
]


@pytest.mark.parametrize("array", ARROW_ARRAYS, ids=lambda array: str(array.type))
def test_slices_of_arrow_arrays_go_without_the_rest(array):
    for part in (array[5:25], array[7:7], array[-3:]):
        again = rebuilt(reducers.reduce(part))
        assert again.equals(part)
        assert again.type == part.type
        if array.type != pa.string_view():  # of which Arrow's format has all that is far away
            assert again.get_total_buffer_size() < max(4096, array.nbytes / 10)
        again.validate(full=True)


def test_arrow_arrays_that_are_whole_are_left_to_pyarrow():
    for array in (pa.array(np.arange(100_000)), pa.array(["text"] * 100_000)[:-5]):
        assert reducers.reduce(array) is NotImplemented
        assert reducers.reduce(pa.chunked_array([array, array])) is NotImplemented
    assert reducers.reduce(pa.array(range(100))[3:5]) is NotImplemented  # it costs nothing


def test_slices_of_chunks_keep_their_chunks():
    whole = pa.chunked_array([range(100_000), range(50_000)])
    part = whole[99_990:100_010]
    again = rebuilt(reducers.reduce(part))
    assert again.equals(part)
    assert [len(chunk) for chunk in again.chunks] == [10, 10]
    assert again.get_total_buffer_size() < 4096


def test_empty_slices_of_arrow_data_are_small():
    array = pa.array(["some text"] * 100_000)
    table = pa.table({"a": array})
    for empty in (table[5:5], table.to_batches()[0][5:5], pa.chunked_array([array])[5:5]):
        make, (stream,) = reducers.reduce(empty)
        assert stream.raw().nbytes < 4096
        assert make(stream).equals(empty)


def test_columns_of_text_in_a_part_of_a_frame():
    frame = pd.DataFrame({"text": [f"number {number}" for number in range(50_000)]})
    assert len(serialization.dumps(frame.iloc[10:20], "value")[0]) < 10_000


def test_types_that_others_have_added_to_numpy_are_left_to_numpy():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for name in ("bfloat16", "float8_e5m2", "float8_e4m3fn", "float6_e2m3fn", "int4", "uint2"):
        array = np.arange(4).astype(getattr(ml_dtypes, name))
        assert reducers.reduce(array) is NotImplemented
        again = pickle.loads(serialization.dumps(array, "value")[0])
        assert again.dtype == array.dtype
        np.testing.assert_array_equal(again, array)


def test_a_type_of_numpys_kinds_that_is_none_of_its_own_is_left_to_numpy():
    # As ml_dtypes.float8_e5m2 says of itself: kind "f", text "<f1", which numpy does not know.
    added = types.SimpleNamespace(kind="f", str="<f1", num=300, metadata=None)
    assert reducers._reduce_array(types.SimpleNamespace(dtype=added)) is NotImplemented


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

    layout = "strided"
    dtype = "torch.float64"
    requires_grad = False
    is_quantized = False
    contiguous = True
    conjugate = False
    on = "cpu"
    is_made_of_bytes = True

    # Attributes are kept elsewhere than in a dictionary, as those of torch's own tensors are.
    __slots__ = ("__dict__", "array")

    def __init__(self, array):
        self.array = array

    @property
    def device(self):
        return types.SimpleNamespace(type=self.on)

    @property
    def shape(self):
        return self.array.shape

    def numel(self):
        return self.array.size

    def is_contiguous(self):
        return self.contiguous

    def is_conj(self):
        return self.conjugate

    def is_neg(self):
        return False

    def untyped_storage(self):
        return types.SimpleNamespace(nbytes=lambda: self.array.nbytes)

    def element_size(self):
        return self.array.itemsize

    def reshape(self, *shape):
        return Tensor(self.array.reshape(*shape))

    def view(self, dtype):
        if not self.is_made_of_bytes:
            raise RuntimeError("self.stride(-1) must be divisible by …")
        return Tensor(self.array.view(dtype))

    def numpy(self):
        return self.array


@pytest.fixture
def torch(monkeypatch):
    module = types.ModuleType("torch")
    module.Tensor = Tensor
    module.strided = "strided"
    module.uint8 = np.uint8
    module.float64 = np.float64
    module.frombuffer = lambda buffer, dtype: Tensor(np.frombuffer(buffer, dtype))
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setattr(reducers, "_reducers", {})
    assert reducers._add_torch(module)


def test_a_tensor_goes_as_bytes_and_comes_back_on_memory_that_may_be_written(torch):
    array = np.arange(6.0).reshape(2, 3)
    make, (buffer, *how) = reducers.reduce(Tensor(array))
    assert np.shares_memory(np.frombuffer(buffer), array)
    stored = bytes(buffer.raw())
    again = make(memoryview(stored), *how).array
    np.testing.assert_array_equal(again, array)
    again += 1  # would raise ValueError
    np.testing.assert_array_equal(np.frombuffer(stored), array.reshape(-1))


@pytest.mark.parametrize(
    "attributes",
    [
        {"requires_grad": True},
        {"contiguous": False},
        {"on": "cuda"},
        {"layout": "sparse"},
        {"is_quantized": True},
        {"conjugate": True},
        {"is_made_of_bytes": False},
    ],
)
def test_tensors_that_share_no_memory_are_left_to_torch(torch, attributes, monkeypatch):
    for name, value in attributes.items():
        monkeypatch.setattr(Tensor, name, value)
    assert reducers.reduce(Tensor(np.arange(4))) is NotImplemented


def test_tensors_with_attributes_or_without_elements_are_left_to_torch(torch):
    named = Tensor(np.arange(4))
    named.label = "mine"
    assert reducers.reduce(named) is NotImplemented
    assert reducers.reduce(Tensor(np.arange(0))) is NotImplemented


def test_memory_to_be_written_is_a_copy_unless_pickle_has_just_made_it():
    stored = bytes(8)
    for buffer in (stored, memoryview(stored), pickle.PickleBuffer(stored)):
        copy = memoryview(reducers.writable(buffer))
        copy[0] = 1
        assert bytes(buffer) == bytes(8)
    fresh = bytearray(8)
    assert reducers.writable(fresh) is fresh
