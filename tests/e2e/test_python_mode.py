"""PYTHON_MODE against a real run: the same program prints the same."""

import pytest

PROGRAM = """
import sys
import numpy as np
import rayx

@rayx.remote
def add(x, y=0):
    return x + y

@rayx.remote(num_return_vals=2)
def change(values, array):
    values.append(4)
    return values, array.flags.writeable

@rayx.remote
def nested(n):
    ids = [add.remote(i, y=1) for i in range(n)]
    below = [deeper.remote(n), rayx.put(n), deeper.remote(n + 1)]
    return sum(rayx.get(ids)), below[1], [id.hex() for id in ids + below], rayx.get(below[0])

@rayx.remote
def deeper(n):
    return [add.remote(n).hex(), rayx.put(n).hex(), Counter.remote(n).add.remote().hex()]

@rayx.remote
def fail(text):
    raise ValueError(text)

@rayx.remote(num_return_vals=2)
def three():
    return 1, 2, 3

@rayx.remote(num_gpus=1)
def gpus():
    return rayx.get_gpu_ids()

@rayx.remote
class Counter:
    def __init__(self, value):
        self.value = value
    def add(self, by=1):
        self.value += by
        return self.value
    def fail(self):
        raise KeyError("no")
    def names(self):
        return [add.remote(1).hex(), rayx.put(1).hex(), deeper.remote(1).hex()]

def outcome(object_id):
    try:
        return rayx.get(object_id)
    except Exception as error:
        return type(error).__name__, getattr(error, "type_name", ""), getattr(error, "message", "")

mode = rayx.PYTHON_MODE if sys.argv[1] == "python" else rayx.SILENT_MODE
with rayx.init(num_cpus=2, num_gpus=2, driver_mode=mode, object_id_seed=11):
    values = [1]
    ids = [add.remote(1), rayx.put(values), *change.remote(values, np.zeros(3)), fail.remote("bad")]
    ids += [add.remote(ids[0], y=ids[0]), add.remote(ids[4]), *three.remote(), gpus.remote()]
    counter = Counter.remote(10)
    ids += [counter.add.remote(), counter.fail.remote(), counter.add.remote(by=2)]
    for object_id in ids:
        print(object_id.hex(), outcome(object_id))
    total, kept, *names = rayx.get(nested.remote(4))
    print(total, kept.hex(), rayx.get(kept), values, names)
    print(rayx.get([counter.names.remote(), counter.names.remote()]))
    print(rayx.cluster_resources(), add.remote(add.remote(1)).hex())
"""


def test_the_same_program_does_the_same(run_program):
    real, _ = run_program(PROGRAM, "real")
    inline, _ = run_program(PROGRAM, "python")
    assert inline == real
    assert real.count("\n") == 16


@pytest.mark.parametrize("mode", ["real", "python"])
def test_the_same_seed_does_the_same_again(run_program, mode):
    assert run_program(PROGRAM, mode)[0] == run_program(PROGRAM, mode)[0]


def test_a_debugger_stops_in_a_task(start_program):
    program = start_program(
        """
import rayx
@rayx.remote
def f(x):
    breakpoint()
    return x + 1
with rayx.init(driver_mode=rayx.PYTHON_MODE):
    print(rayx.get(f.remote(41)))
"""
    )
    program.process.stdin.write("p x\nc\n")
    program.process.stdin.flush()
    out, _ = program.finish()
    assert "return x + 1" in out
    assert out.endswith("42\n")
