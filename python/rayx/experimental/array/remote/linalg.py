"""The functions of `numpy.linalg` as tasks. Those with several results return as many ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rayx.calls.remote_function import RemoteFunction, remote


def _task(name: str, num_return_vals: int = 1) -> RemoteFunction[..., Any]:
    """numpy's function as a remote function.

    A worker finds it by its name, so that nothing but the name is sent.
    """
    function: Callable[..., Any] = getattr(np.linalg, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        results = getattr(np.linalg, name)(*args, **kwargs)
        # numpy returns named tuples, whose types belong to its version.
        return tuple(results) if num_return_vals > 1 else results

    call.__name__ = name
    call.__qualname__ = name
    call.__doc__ = f"`numpy.linalg.{name}` as a task. {(function.__doc__ or '').strip()}"
    made: RemoteFunction[..., Any] = remote(num_return_vals=num_return_vals)(call)
    return made


cholesky = _task("cholesky")
cond = _task("cond")
det = _task("det")
eig = _task("eig", 2)
eigh = _task("eigh", 2)
eigvals = _task("eigvals")
eigvalsh = _task("eigvalsh")
inv = _task("inv")
lstsq = _task("lstsq", 4)
matrix_power = _task("matrix_power")
matrix_rank = _task("matrix_rank")
multi_dot = _task("multi_dot")
norm = _task("norm")
pinv = _task("pinv")
qr = _task("qr", 2)
slogdet = _task("slogdet", 2)
solve = _task("solve")
svd = _task("svd", 3)
tensorinv = _task("tensorinv")
tensorsolve = _task("tensorsolve")
