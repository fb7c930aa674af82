import subprocess
import sys

from rayx._raylet import PROCESS_MARK
from rayx.process import process_mark

PROGRAM = """
import os, subprocess, sys
from rayx._raylet import PROCESS_MARK
from rayx.process import process_mark
process_mark.set_driver(bytes.fromhex("ab" * 16))
read = lambda pid: dict(
    line.split("=", 1) for line in open(f"/proc/{pid}/environ").read().split(chr(0)) if "=" in line
).get(PROCESS_MARK)
print(read(os.getpid()))
read_end, write_end = os.pipe()
child = os.fork()
if child == 0:
    os.write(write_end, read(os.getpid()).encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(read_end, 100).decode())
sys.stdout.flush()
subprocess.run(["printenv", PROCESS_MARK])
"""


def marks_seen(environment):
    run = [sys.executable, "-c", PROGRAM]
    return subprocess.run(
        run, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


def test_all_see_it_the_process_its_forks_and_its_programs():
    assert marks_seen({PROCESS_MARK: process_mark.UNMARKED}) == ["ab" * 16] * 3


def test_memory_that_holds_something_else_is_not_written():
    seen = marks_seen({PROCESS_MARK: "short"})
    assert seen == ["short", "short", "ab" * 16]
