"""Runs the program of a run, which joins its nodes by `rayx.init()`.

exit_code = run(["python", "x.py"], "192.0.2.7:6379")
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from types import FrameType

from rayx import errors
from rayx.launch.init_options import ADDRESS_VARIABLE, WORKING_DIR_VARIABLE

# The program is told what this process is told.
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


def run(command: Sequence[str], address: str, working_dir: str | None = None) -> int:
    """Its exit code; 128 and the signal if that ended it, as shells say. StartError if it cannot
    be run."""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        # A terminal tells all of the foreground by itself.
        if child is not None and not (number == signal.SIGINT and _is_foreground()):
            child.send_signal(number)

    told = {ADDRESS_VARIABLE: address}
    if working_dir is not None:
        told[WORKING_DIR_VARIABLE] = os.path.realpath(working_dir)
    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        child = subprocess.Popen(list(command), env=os.environ | told)
        code = child.wait()
    except OSError as error:
        raise errors.StartError(f"{command[0]} cannot be run: {error.strerror}") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _is_foreground() -> bool:
    """Whether a terminal sends its signals to this process and its children."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
