import json
import os
import subprocess
import sys

import pytest

from rayx.launch import standard_streams

PROGRAM = """
import json, os, sys
from rayx.launch import standard_streams
occupied = standard_streams.occupy()
facts = {
    "occupied": occupied,
    "again": standard_streams.occupy(),
    "files": [os.readlink(f"/proc/self/fd/{fd}") for fd in occupied],
    "inheritable": [os.get_inheritable(fd) for fd in occupied],
    "next": os.open("/", os.O_RDONLY) > 2,
}
with open(sys.argv[1], "w") as file:
    json.dump(facts, file)
"""


def test_what_is_open_stays_as_it_is():
    before = [os.fstat(fd) for fd in range(3)]
    assert standard_streams.occupy() == []
    assert [os.fstat(fd) for fd in range(3)] == before


@pytest.mark.parametrize("closed", [[0], [1, 2], [0, 2], [0, 1, 2]])
def test_what_is_closed_is_taken(tmp_path, closed):
    redirections = "".join(f" {fd}>&-" for fd in closed)
    subprocess.run(
        ["sh", "-c", f'exec "$@"{redirections}', "sh", sys.executable, "-c", PROGRAM]
        + [str(tmp_path / "facts")],
        check=True,
        timeout=60,
    )
    assert json.loads((tmp_path / "facts").read_text()) == {
        "occupied": closed,
        "again": [],
        "files": ["/dev/null"] * len(closed),
        "inheritable": [True] * len(closed),
        "next": True,
    }
