"""Calls as another user, for tests of what others may do. Needs root: see `as_root`."""

import os
import pickle

import pytest

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def run_as_nobody(function, *arguments):
    """Calls a function as another user, in a fork; returns what it returned."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(write_end, pickle.dumps(function(*arguments)))
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with open(read_end, "rb") as answer:
        received = answer.read()
    assert os.waitpid(pid, 0)[1] == 0
    return pickle.loads(received)


def error_number(call, *arguments):
    """Of the OSError that a call raises; 0 if none."""
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0
