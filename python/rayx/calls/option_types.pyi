"""What type checkers know of the options of `rayx.remote`; no such module is there at run time.

The options themselves, and their checks, are in task_options.py and actor_options.py.
"""

from collections.abc import Mapping
from typing import TypedDict

from rayx.text.durations import Duration

class Options(TypedDict, total=False):
    """Those that functions and classes have."""

    num_cpus: float | None
    num_gpus: float | None
    resources: Mapping[str, float] | None
    name: str | None

class FunctionOptions(Options, total=False):
    """Of functions, beside `num_return_vals`, which decides what a call returns."""

    max_retries: int
    timeout: Duration | None
    priority: int

class ClassOptions(Options, total=False):
    """Of classes."""

    max_restarts: int
    max_concurrency: int | None
    save_every: int | None

class MethodOptions(TypedDict, total=False):
    """Of an actor's methods, beside `num_return_vals`."""

    timeout: Duration | None
    name: str
