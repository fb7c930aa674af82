"""What is typed into an interpreter, as into the cells of a notebook."""

import subprocess
import sys

CELLS = """
import rayx
context = rayx.init(num_cpus=1)
again = rayx.init(num_cpus=1)
assert again == context
def helper(x): return x + 1

@rayx.remote
def f(x): return helper(x)

@rayx.remote
class A:
    def f(self, x): return helper(x)

a = A.remote()
by_class = {A: "A"}
print(rayx.get(f.remote(1)), rayx.get(a.f.remote(1)))
def helper(x): return x + 100

print(rayx.get(f.remote(1)), rayx.get(a.f.remote(1)), rayx.get(A.remote().f.remote(1)))
print(by_class[A], list(rayx.map(f, range(3))))
try: rayx.init(num_cpus=2)
except rayx.AlreadyInitializedError: print("refused")

rayx.shutdown()
"""


def test_cells_that_are_run_again():
    done = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=CELLS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == [
        *("2", "2", "101", "2", "101", "A", "[100,", "101,", "102]", "refused")
    ], done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("the session goes on") == 1
