"""Programs that are started in unusual ways, and what goes on in them while they end."""

import os
import subprocess
import sys
import zipapp

import pytest

PROGRAM = """
import sys
import rayx
from helper import Item

@rayx.remote
def facts(item):
    from helper import double
    flags = (sys.flags.optimize, sys.flags.dev_mode, sys.flags.utf8_mode, sys.warnoptions)
    return Item(double(item.x)), __debug__, flags, sys.argv[1:]

@rayx.remote
class Actor:
    def same(self, item):
        return Item(item.x)

with rayx.init(num_cpus=1):
    found = rayx.get(facts.remote(Item(2)))
    assert rayx.get(Actor.remote().same.remote(Item(1))) == Item(1)
here = (sys.flags.optimize, sys.flags.dev_mode, sys.flags.utf8_mode, sys.warnoptions)
print(found == (Item(4), __debug__, here, sys.argv[1:]))
"""

HELPER = """
import dataclasses

@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    x: int

def double(x):
    return 2 * x
"""


@pytest.fixture
def place(tmp_path):
    """A directory with spaces and umlauts, with the program and its module."""
    made = tmp_path / "a plaße"
    made.mkdir()
    (made / "__main__.py").write_text(PROGRAM)
    (made / "helper.py").write_text(HELPER)
    return made


def output(command, place, **environment):
    run = [sys.executable, *command, "--depth", "3"]
    done = subprocess.run(
        run, cwd=place, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "flags",
    [["-O"], ["-OO", "-B"], ["-X", "dev", "-W", "ignore::ResourceWarning"], ["-X", "utf8", "-u"]],
    ids="".join,
)
def test_flags_reach_workers(place, flags):
    assert output([*flags, "__main__.py"], place) == "True\n"


def test_in_the_c_locale(place):
    found = output(["__main__.py"], place, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert found == "True\n"


def test_a_zipped_application(place, tmp_path):
    zipapp.create_archive(place, tmp_path / "application.pyz")
    assert output([str(tmp_path / "application.pyz")], tmp_path) == "True\n"


def test_a_package_with_relative_imports(place):
    """Run as `python -m package`."""
    package = place / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text(HELPER)
    (package / "__main__.py").write_text(PROGRAM.replace("from helper", "from .helper"))
    assert output(["-m", "package"], place) == "True\n"


def test_run_by_runpy_under_another_name(place):
    program = "import runpy; runpy.run_path('__main__.py', run_name='other')"
    assert output(["-c", program], place) == "True\n"


# ---- ends ----------------------------------------------------------------------------------------

BEGIN = """
import atexit, concurrent.futures, os, signal, sys, threading
import rayx
rayx.init(num_cpus=2)

@rayx.remote
def square(x):
    return x * x

@rayx.remote
def endless(started=None):
    threading.Event().wait()
"""


def test_daemon_threads_that_wait_are_silent_when_the_program_ends(run_program):
    """As those are that wait for something else; one that failed before is heard."""
    out, err = run_program(
        BEGIN
        + """
def fail():
    raise ValueError("heard")

def wait():
    waiting.set()
    rayx.get(endless.remote())

def call_again_and_again():
    while True:
        rayx.get(square.remote(1))

waiting = threading.Event()
for target in (fail, wait, call_again_and_again):
    threading.Thread(target=target, daemon=True).start()
waiting.wait()
rayx.get(square.remote(1))
"""
    )
    assert out == ""
    assert err.count("Traceback") == 1
    assert "ValueError: heard" in err


def test_what_runs_after_the_last_line_has_a_session(run_program):
    """Other threads, those of an executor, and what is registered after `init`."""
    out, _ = run_program(
        BEGIN
        + """
main_is_over = threading.Event()
atexit.register(lambda: print("at exit", rayx.get(square.remote(3))))

def work():
    threading.main_thread().join()
    print("thread", rayx.get(square.remote(2)))

threading.Thread(target=work).start()
executor = concurrent.futures.ThreadPoolExecutor(2)
futures = [executor.submit(lambda i: rayx.get(square.remote(i)), i) for i in range(10)]
"""
    )
    assert out.splitlines() == ["thread 4", "at exit 9"]


@pytest.mark.parametrize(("how", "code"), [("sys.exit(5)", 5), ("pass", 0), ("os._exit(7)", 7)])
def test_a_handler_of_sigterm(run_program, how, code):
    out, _ = run_program(
        BEGIN
        + f"""
waiting = endless.remote()

def handle(number, frame):
    print("handled", flush=True)
    rayx.cancel(waiting)
    {how}

signal.signal(signal.SIGTERM, handle)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
try:
    rayx.get(waiting)
except rayx.TaskCancelledError:
    pass
""",
        exit_code=code,
    )
    assert out == "handled\n"


def test_signals_that_come_all_the_time(run_program):
    """Handlers that only note that they ran interrupt no call."""
    out, _ = run_program(
        BEGIN
        + """
heard = []
signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
total = sum(rayx.get([square.remote(i) for i in range(1000)]))
one_by_one = [rayx.get(square.remote(i)) for i in range(100)]
signal.setitimer(signal.ITIMER_REAL, 0)
print(total == sum(i * i for i in range(1000)), one_by_one[-1], len(heard) > 3)
"""
    )
    assert out == "True 9801 True\n"


def test_a_reaper_of_children(run_program):
    """Programs that reap all their children may take the session's processes for theirs."""
    out, _ = run_program("""
import os, signal

def reap(number, frame):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass

signal.signal(signal.SIGCHLD, reap)
import rayx
for _ in range(2):
    with rayx.init(num_cpus=1):
        print(rayx.get(rayx.remote(lambda: 3).remote()))
""")
    assert out == "3\n3\n"
