"""Drivers that were started without some of stdin, stdout and stderr, as daemons are."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
import rayx

@rayx.remote
def add_one(x):
    print("of a task")
    subprocess = os.popen("echo of a child")
    return x + 1, subprocess.read()

with rayx.init(num_cpus=1) as info:
    answer = rayx.get(add_one.remote(1))
    joined = os.system(f"{sys.executable} -c 'import rayx; "
                       f"rayx.init(redis_address=\\"{info['redis_address']}\\")'")
with open(sys.argv[1], "w") as file:
    file.write(f"{answer} {joined}")
"""


@pytest.mark.parametrize("closed", [(0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_a_session_works_without_them(tmp_path, closed):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    redirections = "".join(f" {fd}>&-" for fd in closed)
    subprocess.run(
        [
            "sh",
            "-c",
            f'exec "$@"{redirections}',
            "sh",
            sys.executable,
            program,
            tmp_path / "answer",
        ],
        check=True,
        timeout=60,
    )
    assert (tmp_path / "answer").read_text() == "(2, 'of a child\\n') 0"
