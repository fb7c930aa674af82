"""For tests of the whole: programs of their own, and blocks of code as people type them."""

import ast
import os
import signal
import stat
import subprocess
import sys

import pytest

import rayx

sys.path.insert(0, os.path.dirname(__file__))
# What plays a node for unit tests plays a stranger here.
sys.path.append(os.path.join(os.path.dirname(__file__), "..", "python"))


@pytest.fixture
def interactive():
    """Runs blocks as an interactive Python would, and returns the values of their expressions.

    All blocks of a test share one namespace, which knows `rayx` and claims to be `__main__`.
    """
    namespace = {"__name__": "__main__", "rayx": rayx}

    def run(source, **variables):
        namespace.update(variables)
        values = []
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.Expr):
                code = compile(ast.Expression(statement.value), "<typed>", "eval")
                values.append(eval(code, namespace))
            else:
                exec(compile(ast.Module([statement], []), "<typed>", "exec"), namespace)
        return values

    yield run
    namespace.clear()


class Program:
    """A program in a process of its own, with its output in pipes."""

    def __init__(self, path, arguments):
        self.process = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"},
            start_new_session=True,
        )

    def line(self):
        """The next line it prints."""
        # Byte by byte: what a buffer has read ahead would be lost to `finish`.
        line = b""
        while (byte := os.read(self.process.stdout.fileno(), 1)) not in (b"", b"\n"):
            line += byte
        return line.decode()

    def interrupt(self):
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def finish(self, exit_code=0):
        """Waits for its end; the rest of its stdout, and its stderr."""
        out, err = self.process.communicate(timeout=50)
        assert self.process.returncode == exit_code, out + err
        return out, err


@pytest.fixture
def start_program(tmp_path):
    """Starts a program given as text; it is dead when the test ends."""
    programs = []

    def start(source, *arguments):
        path = tmp_path / f"program{len(programs)}.py"
        path.write_text(source)
        programs.append(Program(path, arguments))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.communicate()


@pytest.fixture
def run_program(start_program):
    """Runs a program given as text to its end; returns its stdout and stderr."""

    def run(source, *arguments, exit_code=0):
        return start_program(source, *arguments).finish(exit_code)

    return run


@pytest.fixture
def start_driver(tmp_path):
    """Starts a program that has a session, and looks for what is left of it; see session_watch."""
    from session_watch import WatchedDriver

    drivers = []

    def start(source, *arguments, **options):
        drivers.append(WatchedDriver(source, tmp_path, *arguments, **options))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.end()


@pytest.fixture
def parts(rayx_session):
    """The processes of a session of its own, which must work, and have its CPUs, in the end."""
    from session_watch import Parts, poll_until

    @rayx.remote
    def add_one(x):
        return x + 1

    found = Parts(rayx_session)
    yield found
    assert rayx.get(add_one.remote(1), timeout=10) == 2
    poll_until(lambda: rayx.available_resources().get("CPU") == 2, 5, "all CPUs are free again")
    poll_until(lambda: not found.zombies(), 2, "no zombies")


@pytest.fixture
def standing():
    """A session that belongs to no program, and of which nothing is left after the test."""
    from standing_session import StandingSession, rayx_command

    session = StandingSession()
    yield session
    session.note()
    rayx_command("stop")
    session.assert_gone(0)


@pytest.fixture
def open_place(own_place):
    """Others may enter the place of the tests' sessions: only a session's directory protects it."""
    place = os.environ["TMPDIR"]
    mode = stat.S_IMODE(os.stat(place).st_mode)
    os.chmod(place, 0o1777)
    yield
    os.chmod(place, mode)
