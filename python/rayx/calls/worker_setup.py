"""`rayx.run_on_all_workers`: what every worker shall have done before its next task.

>>> def quiet():
...     import logging
...     logging.getLogger("noisy").setLevel("ERROR")
>>> rayx.run_on_all_workers(quiet)
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from rayx import errors, session
from rayx._raylet import RayletError
from rayx.calls.task_options import shortened_name
from rayx.text.value_text import attribute, shown, type_name
from rayx.values import serialization


class Setup:
    """What is sent to workers: the function, not yet unpickled, and its name."""

    def __init__(self, name: str, pickled: bytes) -> None:
        self._name = name
        self._pickled = pickled

    def __reduce__(self) -> tuple[Any, ...]:
        return Setup, (self._name, self._pickled)

    def __call__(self) -> None:
        """Runs the function. What it raises tells that it was not the task's function."""
        try:
            pickle.loads(self._pickled)()
        except errors.INTERRUPTIONS:
            raise
        except BaseException as error:
            note = (
                f"{self._name} raised this: rayx.run_on_all_workers has every worker run it "
                "before its next task, which has not begun"
            )
            if note not in (attribute(error, "__notes__") or ()):  # one that is raised again
                BaseException.add_note(error, note)
            raise


def run_on_all_workers(function: Callable[[], Any]) -> None:
    """Runs a function once in each worker: before its next task, and in those started later.

    Several are run in the order in which they were given. If one raises, so does the task that it
    was to run before, with a note that names the function, which is tried again before the next
    task. Drivers of the same cluster do not see each other's.

    >>> import os
    >>> rayx.run_on_all_workers(lambda: os.environ.update(TOKENIZERS_PARALLELISM="false"))
    >>> @rayx.remote
    ... def setting():
    ...     return os.environ["TOKENIZERS_PARALLELISM"]
    >>> rayx.get(setting.remote())
    'false'
    """
    owner = session.current()
    if not callable(function) or callable(attribute(function, "remote")):
        raise TypeError(
            "rayx.run_on_all_workers takes a plain function without parameters, not "
            f"{shown(function)}"
        )
    name = attribute(function, "__qualname__") or type_name(function)
    pickled, contained = serialization.dump_by_value(function, name)
    for object_id in contained:  # workers may start at any time
        owner.keep(object_id)
    packed = pickle.dumps(Setup(shortened_name(name), pickled), protocol=5)
    try:
        owner.client.add_worker_setup(packed)
    except RayletError as error:
        raise owner.failure(error) from None
