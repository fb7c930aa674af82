"""Where the standard library catches whatever is raised, an interruption passes.

    logging.Handler.emit    except Exception:      self.handleError(record)
    asyncio.Handle._run     except BaseException:  loop.call_exception_handler(context)

They report what they have caught and go on, so that a task which logs or runs callbacks all the
time would not notice that it was cancelled, and be killed. What they call raises the interruption
again, as if they had not caught it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

#: Whether this is an interruption of a task that runs here.
IsInterruption = Callable[[BaseException | None], bool]

# (module, class, method, what the method was called for)
_HANDLERS: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("logging", "Handler", "handleError", lambda handler, record: sys.exception()),
    (
        "asyncio.base_events",
        "BaseEventLoop",
        "call_exception_handler",
        lambda loop, context: context.get("exception"),
    ),
)
_done: set[str] = set()


def let_pass(is_interruption: IsInterruption) -> None:
    """From now on, in those modules that are loaded. Called before an interruption is raised."""
    for module, cls, method, caught in _HANDLERS:
        owner = getattr(sys.modules.get(module), cls, None)
        if owner is not None and module not in _done:
            _done.add(module)
            setattr(owner, method, _raising(getattr(owner, method), caught, is_interruption))


def _raising(
    report: Callable[..., Any], caught: Callable[..., Any], is_interruption: IsInterruption
) -> Callable[..., Any]:
    @functools.wraps(report)
    def report_or_raise(*args: Any) -> Any:
        error = caught(*args)
        if is_interruption(error):
            try:
                raise error
            finally:
                del error  # else it and this frame would keep each other
        return report(*args)

    return report_or_raise
