"""Workers import from where their driver does, also from places that came after `init`."""

import os
import subprocess
import sys

import pytest

MODULE = """
class Thing:
    def __init__(self, value):
        self.value = value

def double(x):
    return 2 * x
"""


@pytest.fixture
def place(tmp_path):
    """A directory with a module, which is on nobody's path."""
    directory = tmp_path / "late"
    directory.mkdir()
    (directory / "late_module.py").write_text(MODULE)
    return str(directory)


BEGIN = """
import os, sys, rayx

@rayx.remote
def value_of(thing):
    return thing.value, type(thing).__module__

with rayx.init(num_cpus=1):
    assert rayx.get(value_of.options(num_cpus=1).remote(Exception.__new__(
        type("E", (Exception,), {"value": 0}))))[0] == 0  # the worker is there, and was told
"""


@pytest.mark.parametrize(
    "use",
    [
        "assert rayx.get(value_of.remote(late_module.Thing(5))) == (5, 'late_module')",
        "assert rayx.get(rayx.remote(late_module.double).remote(4)) == 8",
        "assert rayx.get(rayx.remote(lambda: late_module.double(4)).remote()) == 8",
        "assert rayx.get(rayx.get(rayx.put([rayx.put(late_module.Thing(5))]))[0]).value == 5",
        "assert rayx.get([value_of.remote(rayx.put(late_module.Thing(5))) for _ in range(50)])"
        " == [(5, 'late_module')] * 50",
    ],
    ids=["argument", "function", "global", "put", "put_argument"],
)
def test_a_path_that_came_after_init(run_program, place, use):
    run_program(
        BEGIN
        + f"""
    sys.path.insert(0, {place!r})
    import late_module
    {use}
"""
    )


def test_the_body_of_a_function_imports(run_program, place):
    run_program(
        BEGIN
        + f"""
    sys.path.append({place!r})
    @rayx.remote
    def f():
        import late_module
        return late_module.double(3)
    assert rayx.get(f.remote()) == 6
"""
    )


def test_the_empty_entry_after_another_directory_was_entered(run_program, place):
    run_program(
        BEGIN
        + f"""
    sys.path.insert(0, "")
    os.chdir({place!r})
    import late_module
    assert rayx.get(value_of.remote(late_module.Thing(5))) == (5, "late_module")
"""
    )


def test_a_path_of_a_task_s_own_is_not_that_of_others(run_program, place):
    """What is imported from there travels by value."""
    run_program(
        BEGIN
        + f"""
    @rayx.remote
    def parent():
        sys.path.insert(0, {place!r})
        import late_module
        return rayx.get(value_of.options(resources={{"elsewhere": 0}}).remote(
            late_module.Thing(5))), os.getpid(), late_module.Thing(6)

    @rayx.remote
    def pid():
        return os.getpid()

    value, where, thing = rayx.get(parent.remote())
    assert value[0] == 5
    assert thing.value == 6
"""
    )


@pytest.mark.parametrize("flag", ["-E", "-I"])
def test_python_that_ignores_its_environment(tmp_path, flag):
    """And so does its worker, which finds rayx nevertheless."""
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import os, sys
sys.path[:] = {sys.path!r}
import rayx

@rayx.remote
def f():
    return sys.flags.ignore_environment, os.environ.get("PYTHONPATH"), sys.path

with rayx.init(num_cpus=1):
    flag, variable, path = rayx.get(f.remote(), timeout=20)
    assert flag == 1
    assert variable == "/somewhere"
    assert path[:len(sys.path)] == rayx.process.driver_config.search_path()
"""
    )
    subprocess.run(
        [sys.executable, flag, str(program)],
        env=os.environ | {"PYTHONPATH": "/somewhere"},
        check=True,
        timeout=60,
    )
