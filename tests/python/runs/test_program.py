import os
import signal
import sys
import threading

import pytest

import rayx
from rayx.runs import program


def run(source):
    return program.run([sys.executable, "-c", source], "192.0.2.7:6379")


def test_its_exit_code_is_told():
    assert run("raise SystemExit(7)") == 7
    assert run("") == 0


def test_a_signal_that_ended_it_is_told_as_shells_do():
    assert run("import os; os.kill(os.getpid(), 9)") == 137


def test_it_is_told_where_to_join(tmp_path):
    path = tmp_path / "told"
    run(f"import os; open({str(path)!r}, 'w').write(os.environ['RAYX_REDIS_ADDRESS'])")
    assert path.read_text() == "192.0.2.7:6379"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_signals_are_passed_on(tmp_path, number):
    path = tmp_path / "ready"
    source = f"""
import os, signal
signal.signal({int(number)}, lambda *unused: os._exit(5))
open({str(path)!r}, "w").close()
signal.pause()
"""
    before = signal.getsignal(number)

    def send():
        while not path.exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    assert run(source) == 5
    sender.join()
    assert signal.getsignal(number) == before


def test_what_cannot_be_run_is_named():
    with pytest.raises(rayx.StartError, match="no-such-program cannot be run: No such file"):
        program.run(["no-such-program"], "192.0.2.7:6379")
