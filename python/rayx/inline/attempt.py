"""One attempt at a task of PYTHON_MODE, and the frames in which it failed.

    attempt(run, load) ──▶ the task's function ──▶ raises
                                                     │
    debugger ◀── traceback of what `rayx.get` raises ◀── frames_of(task)

The frames go with the stored failure for as long as that is there, so that a debugger finds the
user's code, and its variables, behind what `rayx.get` raises.
"""

from __future__ import annotations

import os
import types
from typing import TYPE_CHECKING, Any, cast

from rayx.text.value_text import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rayx.inline.task import InlineTask
    from rayx.running.task_run import TaskRun

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

# As it stands in BaseException, whatever the exception's class has in the place of it.
_traceback_in = BaseException.__dict__["__traceback__"].__get__


def attempt(run: TaskRun, load: Callable[[], Callable[..., Any]]) -> None:
    """Gets the arguments, calls what `load` returns, and notes what becomes of it."""
    for _ in _attempt(run, load):
        pass


def _attempt(run: TaskRun, load: Callable[[], Callable[..., Any]]) -> Iterator[None]:
    """Yields nothing. The frame of a generator lets go of its caller when it ends: the frames that
    are kept would else keep those of all callers, with the ids and arrays in their variables."""
    try:
        run.prepare()
        run.returned(load()(*run.args, **run.kwargs))
    except BaseException as error:
        failed(run, error)
    yield from ()


def failed(run: TaskRun, error: BaseException) -> None:
    """The task has raised this. Raises it if it was not the task that was meant by it."""
    # KeyboardInterrupt is for the driver; nor is the end of a debugger's session a failure.
    if issubclass(type(error), KeyboardInterrupt) or type_name(error) == "BdbQuit":
        raise error
    cast("InlineTask", run.task).frames = _without_ours(_traceback_in(error))
    run.failed(error)


def frames_of(task: InlineTask) -> types.TracebackType | None:
    """In which the task failed, or the one whose failure it was given."""
    if task.frames is not None:
        return task.frames
    return next((given.frames for given in task.values if given.frames is not None), None)


def _without_ours(frames: types.TracebackType | None) -> types.TracebackType | None:
    """The frames from the first on that is not of rayx; those of a failure of ours are of no use
    to a user."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    return frames
