"""Tasks that use multiprocessing, with functions and classes of the program itself."""

import subprocess
import sys
import textwrap

import pytest

BEGIN = """
import concurrent.futures, functools, multiprocessing, sys
import rayx

class Point:
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return type(self) is type(other) and self.x == other.x

def square(x):
    return x * x

def point(x):
    return Point(square(x))

def total(points):
    return sum(one.x for one in points)
"""

PROGRAMS = {
    "a pool": """
        @rayx.remote
        def task(function):
            with multiprocessing.Pool(2) as pool:
                return pool.map(square, range(4)), pool.map(function, range(4))
        assert rayx.get(task.remote(square), timeout=30) == ([0, 1, 4, 9],) * 2
    """,
    "an executor": """
        @rayx.remote
        def task():
            with concurrent.futures.ProcessPoolExecutor(2) as pool:
                return [list(pool.map(f, range(4))) for f in (functools.partial(max, 2), square)]
        assert rayx.get(task.remote(), timeout=30) == [[2, 2, 2, 3], [0, 1, 4, 9]]
    """,
    "instances, there and back": """
        @rayx.remote
        def task():
            with multiprocessing.Pool(2) as pool:
                points = pool.map(point, range(3))
                return points == [Point(0), Point(1), Point(4)], pool.apply(total, (points,))
        assert rayx.get(task.remote(), timeout=30) == (True, 5)
    """,
    "a queue and a lambda": """
        @rayx.remote
        def task():
            queue = multiprocessing.Queue()
            child = multiprocessing.Process(target=lambda: queue.put(Point(3)))
            child.start()
            got = queue.get(timeout=20)
            child.join()
            return got == Point(3)
        assert rayx.get(task.remote(), timeout=30) is True
    """,
    "a method of an actor": """
        @rayx.remote
        class Actor:
            def work(self, x):
                return square(x)
            def spread(self):
                with multiprocessing.Pool(2) as pool:
                    return pool.map(self.work, range(4))
        assert rayx.get(Actor.remote().spread.remote(), timeout=30) == [0, 1, 4, 9]
    """,
    "children that are not forks": """
        @rayx.remote
        def task(method):
            context = multiprocessing.get_context(method)
            with context.Pool(1) as pool:
                results = pool.map(square, range(4))
            queue = context.Queue()
            child = context.Process(target=put_square, args=(queue, 5))
            child.start()
            results.append(queue.get(timeout=20))
            child.join()
            return results
        def put_square(queue, x):
            queue.put(square(x))
        for method in ("spawn", "forkserver"):
            assert rayx.get(task.remote(method), timeout=50) == [0, 1, 4, 9, 25]
    """,
    "what cannot be pickled": """
        @rayx.remote
        def task():
            with multiprocessing.Pool(1) as pool:
                return pool.map(len, [sys._getframe()])
        try:
            rayx.get(task.remote(), timeout=30)
        except TypeError as error:
            assert "cannot pickle 'frame' object" in str(error)
        else:
            raise AssertionError
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_children_know_what_the_program_defines(tmp_path, name):
    path = tmp_path / "program.py"
    body = "rayx.init(num_cpus=2, driver_mode=rayx.SILENT_MODE)" + textwrap.dedent(PROGRAMS[name])
    path.write_text(
        BEGIN + 'if __name__ == "__main__":\n' + textwrap.indent(body + "\nprint('done')", "    ")
    )
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=55)
    assert done.stdout == "done\n", done.stderr[-3000:]
