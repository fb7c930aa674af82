"""What the processes of tasks have of the driver's, and what one task leaves to the next."""

import random
import sys

import pytest

import rayx

PROGRAM = """
import argparse, json, sys, threading
import rayx

sys.setrecursionlimit(5_000)

def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int)
    return parser.prog, parser.parse_args().depth

@rayx.remote
def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value

@rayx.remote
class Actor:
    def options(self):
        return options()

with rayx.init(num_cpus=1):
    seen = rayx.get([rayx.remote(options).remote(), Actor.remote().options.remote()])
    deep = rayx.get(nested.remote(2_000))
    flags = rayx.get(rayx.remote(lambda: (__debug__, sys.warnoptions)).remote())
    print(json.dumps([seen, deep == nested._function(2_000), flags]))
"""


def test_the_arguments_and_the_recursion_limit_of_the_program(run_program):
    """Libraries parse sys.argv in tasks; who raises the limit for deep data has it in tasks too."""
    out, _ = run_program(PROGRAM, "--depth", "3")
    assert out == '[[["program0.py", 3], ["program0.py", 3]], true, [true, []]]\n'


def test_a_task_that_closes_its_streams_does_not_close_those_of_the_next(run_program):
    out, err = run_program("""
import sys
import rayx

@rayx.remote
def close():
    with sys.stdout:
        print("in with")
    sys.stderr.close()

@rayx.remote
def speak(number):
    print("out", number)
    print("err", number, file=sys.stderr)

with rayx.init(num_cpus=1):
    for number in range(2):
        rayx.get([close.remote(), speak.remote(number)])
""")
    words = [line.split(") ", 1)[1] for line in out.splitlines()]
    assert words == ["in with", "out 0", "in with", "out 1"]
    assert [line.split(") ", 1)[1] for line in err.splitlines()] == ["err 0", "err 1"]


@pytest.mark.usefixtures("shared_session")
def test_workers_draw_numbers_of_their_own():
    @rayx.remote(num_cpus=1)
    class Drawer:
        def draw(self):
            import numpy

            return random.random(), float(numpy.random.rand())

    random.seed(1)
    drawers = [Drawer.remote() for _ in range(2)]
    numbers = rayx.get([drawer.draw.remote() for drawer in drawers])
    assert len({*numbers[0], *numbers[1], random.Random(1).random()}) == 5


@pytest.mark.usefixtures("shared_session")
def test_a_task_has_no_input():
    @rayx.remote
    def read():
        return sys.stdin.read(), sys.stdout.isatty()

    assert rayx.get(read.remote()) == ("", False)
    with pytest.raises(EOFError):
        rayx.get(rayx.remote(lambda: input()).remote())
