import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
sys.path[:] = {path!r}
from rayx.process import process_title
process_title.name_template()
template = open("/proc/self/cmdline", "rb").read(), open("/proc/self/comm").read()
environment = open("/proc/self/environ", "rb").read()
{set}
print(template)
print((open("/proc/self/cmdline", "rb").read(), open("/proc/self/comm").read()))
assert open("/proc/self/environ", "rb").read() == environment
assert sys.argv[1:] == ["some", "arguments"]
"""


def titles(statement):
    """(command line, short name) of a template, and then of its fork after the statement."""
    code = PROGRAM.format(path=sys.path, set=statement)
    done = subprocess.run(
        [sys.executable, "-c", code, "some", "arguments"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (before, template), (after, short) = map(eval, done.stdout.splitlines())
    assert len(after) == len(before)
    assert before.split(b"\0")[0].decode() == sys.executable
    assert template == "rayx-template\n"
    return after, short


@pytest.mark.parametrize(
    ("statement", "title", "short"),
    [
        ("process_title.set_title(process_title.WORKER)", "rayx-worker", "rayx-worker"),
        ("process_title.set_actor('Counter')", "rayx-actor Counter", "rayx-Counter"),
        ("process_title.set_actor('Zähler.\\x00x')", "rayx-actor Zähler. x", "rayx-Zähler. x"),
    ],
)
def test_what_is_shown(statement, title, short):
    after, name = titles(statement)
    assert after.rstrip(b"\0").decode() == title
    assert name.rstrip("\n").encode() == short.encode()[:15]


def test_a_long_one_is_cut():
    after, name = titles("process_title.set_actor('x' * 10000)")
    assert after.startswith(b"rayx-actor xxx")
    assert after.endswith(b"x\0")
    assert name == "rayx-xxxxxxxxxx\n"


def test_where_the_place_is_not_known_the_command_line_stays(monkeypatch):
    from rayx.process import process_title

    with open("/proc/self/comm") as file:
        name = file.read().rstrip("\n")
    with open(f"/proc/{os.getpid()}/cmdline", "rb") as file:
        before = file.read()
    monkeypatch.setattr(process_title, "_place", None)
    try:
        process_title.set_title("nothing")
    finally:
        process_title._write("", name)
    with open(f"/proc/{os.getpid()}/cmdline", "rb") as file:
        assert file.read() == before
