"""A task of PYTHON_MODE, as it looks to what runs it (see RunnableTask in _raylet/tasks.pyi)."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rayx._raylet import KIND_ACTOR_CALL, KIND_PICKLE, TASK_ID_BYTES
from rayx.inline.ids import object_binary
from rayx.inline.objects import InlineObject

if TYPE_CHECKING:
    from rayx._raylet import ObjectID, TaskTemplate


class InlineTask:
    """Made by a call; run in its midst."""

    def __init__(
        self,
        task_id: bytes,
        driver_id: bytes,
        template: TaskTemplate,
        args: InlineObject | None,
        dependencies: Sequence[ObjectID[Any]] | None,
    ) -> None:
        self.task_id = task_id
        self.driver_id = driver_id
        self.template = template
        self.function_id = template.function_id
        self.name = template.name
        self.num_return_vals = template.num_return_vals
        self.kind = template.kind
        self.method = template.method
        self.options = template.options
        actor = template.actor
        self.actor_id = bytes(TASK_ID_BYTES) if actor is None else actor.binary()[:TASK_ID_BYTES]
        is_call = self.kind == KIND_ACTOR_CALL
        self.num_cpus = 0.0 if is_call else template.resources.get("CPU", 0.0)
        self.args = args
        self.dependencies = tuple(dependencies or ())
        self.values: list[InlineObject] = []
        self.results = [object_binary(task_id, index) for index in range(self.num_return_vals)]
        # Given when it runs.
        self.gpu_ids: list[int] = []
        self.setups: list[bytes] = []
        self.driver_config: bytes | None = None
        self.has_news = False
        #: Keeps the function from being forgotten.
        self.function: ObjectID[Any] | None = None
        #: In which it failed.
        self.frames: types.TracebackType | None = None
        #: Its results are errors.
        self.has_failed = False
        #: Of a creation whose actor lived before; nothing ends an actor here but the program.
        self.state: ObjectID[Any] | None = None
        # There is one attempt, and nobody who could interrupt it.
        self.sequence = 0
        self.attempt = 0

    def release(self) -> None:
        """Gives up the arguments."""
        self.args = None
        self.frames = None
        self.values = []
        self.dependencies = ()
        self.function = None


def arguments(
    stream: bytes | None,
    buffers: Sequence[Any] | None,
    contained: Sequence[ObjectID[Any]] | None,
) -> InlineObject | None:
    """What `submit` is given, as an object."""
    return None if stream is None else InlineObject(KIND_PICKLE, stream, buffers, contained)
