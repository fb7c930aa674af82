"""The executor under joblib.Parallel: loky, with reusable workers."""

from __future__ import annotations

from importlib import import_module

from peers.backends.futures import FuturesBackend


class JoblibBackend(FuturesBackend):
    """joblib.Parallel itself has no single tasks, so its executor is asked directly."""

    def load(self) -> None:
        import_module("joblib")
        self._loky = import_module("joblib.externals.loky")

    def start(self, num_cpus: int) -> None:
        self.executor = self._loky.get_reusable_executor(max_workers=num_cpus, timeout=None)
