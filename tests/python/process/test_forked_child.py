import os
import sys

import pytest
from fake_node import failure

from rayx.process import forked_child


@pytest.mark.parametrize(
    ("code", "expected"), [(None, 0), (0, 0), (3, 3), (-1, 255), (True, 1), ("last words", 1)]
)
def test_exit(capsys, code, expected):
    assert forked_child.exit_code(SystemExit(code)) == expected
    assert ("last words" in capsys.readouterr().err) == (code == "last words")


def test_an_exception_is_told(capsys):
    assert forked_child.exit_code(KeyError("lost")) == 1
    assert "KeyError: 'lost'" in capsys.readouterr().err


def test_the_end_of_the_task(capsys):
    assert forked_child.exit_code(failure("Forked", "no connection")) == 0
    assert "forked by a task, ends where the task does" in capsys.readouterr().err


def test_end_prints_what_was_printed():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        sys.stdout = open(1, "w", closefd=False)
        print("before the end")
        forked_child.end(SystemExit(7))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert os.read(reading, 100) == b"before the end\n"
    os.close(reading)
    os.close(writing)
