"""What is raised in a finalizer, and is to be raised again behind it."""

import sys
from collections.abc import Callable

class UnraisableHook:
    """For `sys.unraisablehook`: may raise again what was raised in a finalizer, behind it.

    `on_lost` is called with what the hook is called with. If it returns True, this process is as if
    it had got the signal; if a class of exceptions, that is raised in this thread. Either happens
    where Python's code goes on, which is not in the finalizer unless that was in another.
    """

    def __init__(
        self,
        on_lost: Callable[[sys.UnraisableHookArgs], bool | type[BaseException]],
        signal_number: int,
    ) -> None: ...
    def __call__(self, lost: sys.UnraisableHookArgs) -> None: ...
