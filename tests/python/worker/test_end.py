import subprocess
import sys

import pytest

# A worker that ends: what is registered is for its process, so each test is one of its own.
PROGRAM = """
import sys
sys.path[:] = {path!r}
import atexit, os, tempfile, threading, time, weakref
from rayx.worker import end as worker_end

said = []
def say(word):
    print(word, flush=True)

class Executor:
    def end(self):
        say("actor")

class Functions:
    def forget_loaded(self):
        say("functions")

class Session:
    functions = Functions()

{before}
worker_end.install(lambda: say("noted"))
{after}
began = time.monotonic()
worker_end.run(Executor(), Session())
assert "slow" in globals() or time.monotonic() - began < worker_end._JOIN_SECONDS
os._exit(0)
"""


def run(after, before="", exit_code=0):
    """What is said, word by word, and stderr."""
    code = PROGRAM.format(path=sys.path, before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == exit_code, done.stderr
    return done.stdout.split(), done.stderr


def test_without_anything_to_finish():
    assert run("") == (["actor", "functions"], "")


def test_no_thread_is_waited_for_when_there_is_nothing_to_finish():
    words, _ = run("threading.Thread.start = lambda self: say('thread')")
    assert words == ["actor", "functions"]


def test_garbage_is_finalized_before_handlers_run():
    words, _ = run(
        """
class Cyclic:
    def __init__(self): self.itself = self
    def __del__(self): say("del")
atexit.register(say, "atexit")
Executor.end = lambda self: Cyclic() and None
"""
    )
    assert words == ["noted", "del", "atexit", "functions"]


def test_garbage_is_finalized_if_there_is_nothing_else():
    words, _ = run(
        """
class Cyclic:
    def __init__(self): self.itself = self
    def __del__(self): say("del")
Executor.end = lambda self: Cyclic() and None
"""
    )
    assert words == ["functions", "del"]


def test_an_end_without_a_thread_to_watch_it():
    words, _ = run(
        """
def start_new_thread(function, arguments):
    raise RuntimeError("can't start new thread")
worker_end._thread.start_new_thread = start_new_thread
"""
    )
    assert words == ["actor", "functions"]


def test_handlers_run_after_the_actor_is_gone_and_are_noted():
    words, _ = run("atexit.register(say, 'atexit')\n@atexit.register\ndef other(): say('other')\n")
    assert words == ["noted", "noted", "actor", "other", "atexit", "functions"]


def test_a_handler_that_raises_does_not_stop_the_others():
    words, err = run("atexit.register(say, 'atexit')\natexit.register(lambda: 1 / 0)\n")
    assert words[2:] == ["actor", "atexit", "functions"]
    assert "ZeroDivisionError" in err


def test_temporary_directories_are_removed(tmp_path):
    words, _ = run(f"directory = tempfile.TemporaryDirectory(dir={str(tmp_path)!r})")
    assert words == ["noted", "actor", "functions"]
    assert list(tmp_path.iterdir()) == []


def test_what_the_template_has_registered_is_not_run(tmp_path):
    words, _ = run(
        "atexit.register(say, 'mine')",
        before=(
            "atexit.register(say, 'template')\n"
            f"directory = tempfile.TemporaryDirectory(dir={str(tmp_path)!r})\n"
        ),
    )
    assert words == ["noted", "actor", "mine", "functions"]
    assert len(list(tmp_path.iterdir())) == 1


def test_finalizers_made_after_those_of_the_template(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    run(
        f"other = tempfile.TemporaryDirectory(dir={str(second)!r})",
        before=f"directory = tempfile.TemporaryDirectory(dir={str(first)!r})",
    )
    assert len(list(first.iterdir())) == 1
    assert list(second.iterdir()) == []


def test_logging_is_shut_down_though_the_template_had_imported_it():
    words, _ = run(
        """
class Handler(logging.Handler):
    def flush(self): say("flushed")
handler = Handler()
atexit.register(say, "atexit")
""",
        before="import logging",
    )
    assert words[:4] == ["noted", "actor", "atexit", "flushed"]


def test_threads_are_joined_before_handlers_run():
    words, _ = run(
        """
def work():
    # task work
    time.sleep(0.1)
    say("thread")
threading.Thread(target=work).start()
threading.Thread(target=threading.Event().wait, daemon=True).start()
atexit.register(say, "atexit")
"""
    )
    assert words[1:] == ["actor", "thread", "atexit", "functions"]


def test_a_thread_that_takes_longer_is_waited_for_while_there_is_time():
    words, _ = run(
        """
slow = True
def work():
    # task work
    time.sleep(1.5)
    say("thread")
threading.Thread(target=work).start()
atexit.register(say, "atexit")
"""
    )
    assert words[1:] == ["actor", "atexit", "functions", "thread"]


def test_pools_of_threads_are_joined():
    words, _ = run(
        """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
pool.submit(say, "pool").result()
"""
    )
    assert words[-3:] == ["pool", "actor", "functions"]


@pytest.mark.parametrize("kind", ["open(path, 'w')", "open(path, 'wb', buffering=100000)"])
def test_files_are_flushed(tmp_path, kind):
    content = "'content'" if "'w'" in kind else "b'content'"
    path = tmp_path / "file"
    run(f"path = {str(path)!r}\nfile = {kind}\nfile.write({content})\n")
    assert path.read_text() == "content"


def test_objects_that_deceive_isinstance_do_no_harm():
    words, _ = run(
        """
class Proxy:
    @property
    def __class__(self):
        raise SystemExit(3)
proxies = [Proxy()]
"""
    )
    assert words == ["actor", "functions"]


def test_an_end_that_hangs_is_cut_short(tmp_path):
    path = tmp_path / "file"
    words, err = run(
        f"""
worker_end._SECONDS_MAX = 1.0
file = open({str(path)!r}, "w")
file.write("content")
def hang():
    threading.Event().wait()
atexit.register(hang)
"""
    )
    assert words == ["noted", "actor"]
    assert "has not finished within 1 seconds" in err
    assert "in hang" in err
    assert path.read_text() == "content"
