"""The adapters. Each is imported only in its own process, since its library may not be here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from peers.backends.interface import Backend


@dataclass(frozen=True)
class Peer:
    """Where a backend is to be found."""

    adapter: str
    #: What must be importable; empty for the standard library.
    library: str
    #: What its version is asked of.
    distribution: str
    says: str


BACKENDS = {
    "rayx": Peer("rayx_backend:RayxBackend", "rayx", "rayx", "rayx"),
    "pool": Peer("pool_backend:PoolBackend", "", "", "concurrent.futures.ProcessPoolExecutor"),
    "mp": Peer("mp_backend:MpBackend", "", "", "multiprocessing.Pool"),
    "joblib": Peer("joblib_backend:JoblibBackend", "joblib", "joblib", "joblib's loky executor"),
    "dask": Peer("dask_backend:DaskBackend", "distributed", "distributed", "dask.distributed"),
    "ray": Peer("ray_backend:RayBackend", "ray", "ray", "ray"),
}


def make(name: str) -> Backend:
    """The adapter of a backend; does not import its library yet."""
    module, _, class_name = BACKENDS[name].adapter.partition(":")
    backend: Backend = getattr(import_module(f"peers.backends.{module}"), class_name)()
    return backend
