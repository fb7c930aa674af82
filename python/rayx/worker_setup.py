"""`rayx.run_on_all_workers`: what every worker shall have done before its next task.

>>> def quiet():
...     import logging
...     logging.getLogger("noisy").setLevel("ERROR")
>>> rayx.run_on_all_workers(quiet)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rayx import serialization, session
from rayx._raylet import RayletError
from rayx.value_text import attribute, shown, type_name


def run_on_all_workers(function: Callable[[], Any]) -> None:
    """Runs a function once in each worker: before its next task, and in those started later.

    Several are run in the order in which they were given. If one raises, so does the task that it
    was to run before, and it is tried again before the next. Drivers of the same cluster do not see
    each other's.

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
    try:
        owner.client.add_worker_setup(pickled)
    except RayletError as error:
        raise owner.failure(error) from None
