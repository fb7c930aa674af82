"""How values of a few libraries are taken apart, so that getting them copies no data.

- numpy arrays of numbers go as numpy itself would have them go, but with less said of their type;
- numpy arrays of dates and times, which numpy would copy, pass for arrays of integers on the way;
- pyarrow tables and record batches become an Arrow IPC stream in a buffer of its own;
- torch tensors (CPU, dense, without gradient) become the numpy array that shares their memory.

Nothing is imported here that the program has not imported itself.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any, Literal

Reducer = Callable[[Any], Any]

_reducers: dict[type, Reducer] = {}
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


# ---- numpy ---------------------------------------------------------------------------------------


def _add_numpy(numpy: Any) -> bool:
    if not hasattr(numpy, "ndarray"):
        return False  # another thread is still importing it
    _reducers[numpy.ndarray] = _reduce_array
    return True


def _reduce_array(array: Any) -> Any:
    dtype = array.dtype
    if dtype.kind in "biufc":
        flags = array.flags
        if not flags.forc or not array.size or dtype.metadata:
            return NotImplemented
        # What numpy does, with the type's name in place of the type: in half the time.
        order = "C" if flags.c_contiguous else "F"
        return _array_in, (pickle.PickleBuffer(array), dtype.str, array.shape, order)
    if dtype.kind not in "mM":
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
    return True


def _reduce_table(table: Any) -> Any:
    return _read_table, (_ipc_stream(table.schema, lambda writer: writer.write_table(table)),)


def _reduce_batch(batch: Any) -> Any:
    return _read_batch, (_ipc_stream(batch.schema, lambda writer: writer.write_batch(batch)),)


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


# ---- torch ---------------------------------------------------------------------------------------


def _add_torch(torch: Any) -> bool:
    if not hasattr(torch, "Tensor") or not hasattr(torch, "from_numpy"):
        return False
    _reducers[torch.Tensor] = _reduce_tensor
    return True


def _reduce_tensor(tensor: Any) -> Any:
    if tensor.device.type != "cpu" or tensor.requires_grad or not tensor.is_contiguous():
        return NotImplemented
    if tensor.is_conj() or tensor.is_neg():
        return NotImplemented
    try:
        array = tensor.numpy()
    except (TypeError, RuntimeError):  # sparse, quantized, or a type that numpy has not
        return NotImplemented
    return _tensor_of, (array,)


def _tensor_of(array: Any) -> Any:
    import warnings

    import torch

    with warnings.catch_warnings():
        # torch warns of read-only memory, which it cannot guard. The pool's mapping does.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)
