"""Sessions in interpreters whose surroundings are unusual: they work, or say what to do."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import rayx
{setup}

@rayx.remote
def add_one(x):
    return x + 1

try:
    with rayx.init(num_cpus=1{options}):
        large = rayx.get(rayx.put(b"x" * 200_000))
        print("answer", rayx.get(add_one.remote(1)), len(large))
except rayx.StartError as error:
    print("StartError", error)
"""
WORKS = "answer 2 200000\n"


def run(tmp_path, setup="", options="", limit=""):
    """What the program prints, with the limit of a shell set before."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(setup=setup, options=options))
    # Python's output goes through a pipe, which has no limit.
    shell = f'{limit or "true"} && exec "$@"'
    return subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, program],
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


@pytest.mark.parametrize("entry", ["None", "b'/tmp'", "3"])
def test_a_search_path_with_what_is_no_text(entry, tmp_path):
    assert run(tmp_path, f"sys.path.insert(0, {entry})") == WORKS


@pytest.mark.parametrize("executable", ["None", "''"])
def test_an_interpreter_that_does_not_know_where_it_is(executable, tmp_path):
    assert run(tmp_path, f"sys.executable = {executable}") == WORKS


def test_an_interpreter_that_is_not_where_it_says(tmp_path):
    said = run(tmp_path, "sys.executable = '/nowhere/python'")
    assert said.startswith("StartError sys.executable is '/nowhere/python', which is not an exec")


# In blocks of 512 bytes, and in KiB.
@pytest.mark.parametrize("limit", ["ulimit -f 50000", "ulimit -v 8000000", "ulimit -v 2000000"])
def test_limits_that_leave_some_room(limit, tmp_path):
    assert run(tmp_path, limit=limit) == WORKS


@pytest.mark.parametrize(
    ("limit", "options", "advice"),
    [
        ("ulimit -f 100", "", "`ulimit -f unlimited`"),
        ("ulimit -f 50000", ", object_store_memory=100 << 20", "`ulimit -f unlimited`"),
        ("ulimit -v 2000000", ", object_store_memory=1 << 30", "`ulimit -v unlimited`"),
    ],
)
def test_limits_that_leave_too_little(limit, options, advice, tmp_path):
    said = run(tmp_path, options=options, limit=limit)
    assert said.startswith("StartError the object store of ")
    assert advice in said and "smaller object_store_memory" in said
