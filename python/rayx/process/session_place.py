"""Where a session's files are, as its workers know it. Tasks do not see the variable that tells.

>>> os.environ[VARIABLE] = "/tmp/rayx-1"
>>> take(), directory()
(None, PosixPath('/tmp/rayx-1'))
"""

from __future__ import annotations

import os
from pathlib import Path

#: By which the worker template is told.
VARIABLE = "RAYX_SESSION_DIR"

_directory = ""


def take() -> None:
    """In the template, whose forks know it, too."""
    global _directory
    _directory = os.environ.pop(VARIABLE, "")


def directory() -> Path:
    """It goes when the session ends."""
    return Path(_directory)
