"""Ray 2 with its defaults, but no dashboard, and a store that just holds all that is put here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from peers.backends.interface import Submit
from peers.backends.ray_style import RayStyleBackend

_STORE_BYTES = 4 << 30


class RayBackend(RayStyleBackend):
    """A session of its own on this machine."""

    library_name = "ray"

    def load(self) -> None:
        # Reports to its makers would be a part of what is measured.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        super().load()

    def start(self, num_cpus: int) -> None:
        self._library.init(
            address="local",
            num_cpus=num_cpus,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            logging_level=logging.ERROR,
        )

    def remote_with_returns(self, function: Callable[..., Any], count: int) -> Submit:
        submit: Submit = self._library.remote(num_returns=count)(function).remote
        return submit

    def stop_actors(self, actors: Sequence[Any]) -> None:
        for actor in actors:
            self._library.kill(actor)
