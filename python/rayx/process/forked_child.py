"""The end of a process that a task has forked and not ended itself.

It has the task's stack, but not its connection: it ends where the task does, as programs end, and
reports nothing. The task's results are those of its parent.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

from rayx._raylet import RayletError


def exit_code(error: BaseException) -> int:
    """The exit code of the process, which says on stderr what there is to be said."""
    if isinstance(error, RayletError):
        print(
            f"rayx: process {os.getpid()}, forked by a task, ends where the task does: only its "
            "parent has results. To end such a process sooner, call os._exit() in it",
            file=sys.stderr,
        )
        return 0
    if not isinstance(error, SystemExit):
        traceback.print_exception(error)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def end(error: BaseException) -> NoReturn:
    """Ends the process at once, in whatever thread this is: it is the only one after a fork."""
    code = exit_code(error)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
