"""rayx, as a user has it: nothing tuned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.backends.interface import Submit
from peers.backends.ray_style import RayStyleBackend


class RayxBackend(RayStyleBackend):
    """A session of its own on this machine."""

    library_name = "rayx"

    def start(self, num_cpus: int) -> None:
        self._library.init(num_cpus=num_cpus)

    def remote_with_returns(self, function: Callable[..., Any], count: int) -> Submit:
        submit: Submit = self._library.remote(num_return_vals=count)(function).remote
        return submit
