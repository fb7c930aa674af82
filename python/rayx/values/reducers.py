"""How values of a few libraries are taken apart, so that getting them copies no data.

- numpy arrays of numbers go as numpy itself would have them go, but with less said of their type;
- numpy arrays of dates and times, which numpy would copy, pass for arrays of integers on the way;
- pyarrow tables and record batches become an Arrow IPC stream in a buffer of its own, and so do
  slices of its arrays, which pyarrow would store together with what they are slices of;
- torch tensors (CPU, dense, without gradient) go as their bytes, and come back on memory that may
  be written.

Nothing is imported here that the program has not imported itself.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

Reducer = Callable[[Any], Any]

_reducers: dict[type, Reducer] = {}
# What copies memory of the object store so that it may be written, if a session is there to do so.
_private_copy: Callable[[memoryview], Any] | None = None
_libraries = {
    "numpy": lambda: _add_numpy(sys.modules["numpy"]),
    "pyarrow": lambda: _add_arrow(sys.modules["pyarrow"]),
    "torch": lambda: _add_torch(sys.modules["torch"]),
}


def refresh() -> None:
    """Learns of libraries imported since the last call. Costs a look into a dictionary or two."""
    for name in list(_libraries):
        if name in sys.modules and _libraries[name]():
            _libraries.pop(name, None)


def reduce(obj: Any) -> Any:
    """As `reducer_override` of a pickler."""
    reducer = _reducers.get(type(obj))
    return NotImplemented if reducer is None else reducer(obj)


# ---- what stands for a function or a class -------------------------------------------------------

#: By the type of what stands for a user's function or class (a remote function, a remote class):
#: how to get at the function or class. Filled in by the modules of those types.
originals: dict[type, Callable[[Any], Any]] = {}
#: Likewise, how it is pickled in the code of classes that travel by value, which are given too.
among_classes: dict[type, Callable[[Any, Sequence[type]], Any]] = {}


# ---- numpy ---------------------------------------------------------------------------------------


def _add_numpy(numpy: Any) -> bool:
    if not hasattr(numpy, "ndarray"):
        return False  # another thread is still importing it
    _reducers[numpy.ndarray] = _reduce_array
    return True


# numpy's own types of numbers, bool to clongdouble, and half. Types that others have added, such as
# those of ml_dtypes, may be of the same kinds, but numpy cannot tell them by their texts.
_NUMBERS = frozenset({*range(17), 23})
_DATES_AND_TIMES = frozenset({21, 22})


def _reduce_array(array: Any) -> Any:
    dtype = array.dtype
    if dtype.num in _NUMBERS:
        flags = array.flags
        if not flags.forc or not array.size or dtype.metadata:
            return NotImplemented
        # What numpy does, with the type's name in place of the type: in half the time.
        order = "C" if flags.c_contiguous else "F"
        return _array_in, (pickle.PickleBuffer(array), dtype.str, array.shape, order)
    if dtype.num not in _DATES_AND_TIMES:
        return NotImplemented  # numpy does what we want
    if not array.flags.forc:
        array = array.copy()
    return _array_of, (array.view(f"{dtype.byteorder}i8"), dtype.str)


def _array_in(buffer: Any, dtype: str, shape: tuple[int, ...], order: Literal["C", "F"]) -> Any:
    import numpy

    return numpy.frombuffer(buffer, dtype).reshape(shape, order=order)


def _array_of(integers: Any, dtype: str) -> Any:
    return integers.view(dtype)


# ---- pyarrow -------------------------------------------------------------------------------------


def _add_arrow(arrow: Any) -> bool:
    if not hasattr(arrow, "Table") or not hasattr(arrow, "ipc"):
        return False
    _reducers[arrow.Table] = _reduce_table
    _reducers[arrow.RecordBatch] = _reduce_batch
    _reducers[arrow.ChunkedArray] = _reduce_chunks
    for kind in _classes_below(arrow.Array):
        if kind.__module__ == arrow.Array.__module__:  # not those that users have made
            _reducers[kind] = _reduce_arrow_array
    return True


def _classes_below(cls: type) -> list[type]:
    direct: list[type] = cls.__subclasses__()
    return [one for below in direct for one in (below, *_classes_below(below))]


def _reduce_table(table: Any) -> Any:
    if not table.num_rows:
        table = table.schema.empty_table()  # Arrow's format has all offsets of an empty slice
    return _read_table, (_ipc_stream(table.schema, lambda writer: writer.write_table(table)),)


def _reduce_batch(batch: Any) -> Any:
    if not batch.num_rows:
        batch = _empty_batch(batch.schema)
    return _read_batch, (_ipc_stream(batch.schema, lambda writer: writer.write_batch(batch)),)


# Arrow pads its buffers to 64 bytes. Those that it fills bit by bit may be larger than needed; what
# has much of that to spare is taken for a slice.
_PADDING_MAX = 4096


def _is_part(array: Any) -> bool:
    """Whether it is a slice of more, all of which pyarrow would store."""
    try:
        used, held = array.nbytes, array.get_total_buffer_size()
    except Exception:  # not known of all types
        return False
    return bool(held > 1.25 * used + _PADDING_MAX)


def _reduce_arrow_array(array: Any) -> Any:
    import pyarrow as pa

    if not _is_part(array):
        return NotImplemented
    try:
        # Arrow's own format has no more than the slice.
        batch = pa.record_batch([array if len(array) else pa.nulls(0, array.type)], names=[""])
        return _read_column, (_ipc_stream(batch.schema, lambda to: to.write_batch(batch)),)
    except pa.ArrowException:  # of a type that it does not have
        return NotImplemented


def _reduce_chunks(chunks: Any) -> Any:
    import pyarrow as pa

    if not _is_part(chunks):
        return NotImplemented
    chunks = chunks if len(chunks) else pa.chunked_array([], chunks.type)
    try:
        table = pa.table([chunks], names=[""])
        return _read_chunks, (_ipc_stream(table.schema, lambda to: to.write_table(table)),)
    except pa.ArrowException:
        return NotImplemented


def _empty_batch(schema: Any) -> Any:
    import pyarrow as pa

    return pa.record_batch([pa.nulls(0, field.type) for field in schema], schema=schema)


def _ipc_stream(schema: Any, write: Callable[[Any], None]) -> pickle.PickleBuffer:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        write(writer)
    return pickle.PickleBuffer(sink.getvalue())


def _read_table(stream: Any) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(pa.py_buffer(stream)).read_all()


def _read_batch(stream: Any) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(pa.py_buffer(stream)).read_next_batch()


def _read_column(stream: Any) -> Any:
    return _read_batch(stream).column(0)


def _read_chunks(stream: Any) -> Any:
    return _read_table(stream).column(0)


# ---- memory that nobody guards ------------------------------------------------------------------


def writable(buffer: Any) -> Any:
    """The bytes of a stored object as memory that may be written; nobody else sees what is written.

    For values of libraries that do not know of read-only memory. A large buffer in shared memory is
    mapped anew, and copied by the kernel page by page when it is written. Any other is copied here.
    """
    if type(buffer) is bytearray:
        return buffer  # it lay in the stream, so that pickle has made it for us
    copy = None
    if type(buffer) is memoryview and _private_copy is not None:
        copy = _private_copy(buffer)
    return bytearray(buffer) if copy is None else copy


def set_copy_hook(private_copy: Callable[[memoryview], Any]) -> None:
    """Sets what makes a copy of the object store's memory; it returns None where it cannot."""
    global _private_copy
    _private_copy = private_copy


# ---- torch ---------------------------------------------------------------------------------------


def _add_torch(torch: Any) -> bool:
    if not hasattr(torch, "Tensor") or not hasattr(torch, "frombuffer"):
        return False
    _reducers[torch.Tensor] = _reduce_tensor
    return True


def _reduce_tensor(tensor: Any) -> Any:
    import torch

    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.requires_grad:
        return NotImplemented
    if tensor.is_conj() or tensor.is_neg() or tensor.is_quantized or tensor.__dict__:
        return NotImplemented  # torch knows what else there is to be kept
    if not tensor.is_contiguous():
        # torch stores all of the memory that a tensor is a part of: a column and its table.
        is_part = tensor.untyped_storage().nbytes() > tensor.numel() * tensor.element_size()
        return tensor.clone().__reduce_ex__(5) if is_part else NotImplemented
    if not tensor.numel():
        return NotImplemented
    try:
        # As bytes, since numpy lacks some of torch's types. Tensors with names refuse this.
        memory = tensor.reshape(-1).view(torch.uint8).numpy()
    except (TypeError, RuntimeError):
        return NotImplemented
    dtype = str(tensor.dtype).removeprefix("torch.")
    return _tensor_in, (pickle.PickleBuffer(memory), dtype, tuple(tensor.shape))


def _tensor_in(buffer: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    """torch takes all memory for its own: it writes into what is read-only, and so crashes."""
    import torch

    # It crashes if asked for some of torch's own types.
    memory = torch.frombuffer(writable(buffer), dtype=torch.uint8)
    return memory.view(getattr(torch, dtype)).reshape(shape)
