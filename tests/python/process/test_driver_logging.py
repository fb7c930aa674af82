import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.path[:] = {path!r}
import logging
from rayx.process import driver_logging
captured = None
"""


def run(source):
    """A program of its own: what is configured stays for the process. Returns its stderr."""
    code = PROGRAM.format(path=sys.path) + source
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


# What a driver does, and then, with a fresh logging module as in a worker, what a worker does.
WORKER = """
import pickle
captured = pickle.dumps(driver_logging.capture())
logging.root.handlers.clear()
logging.root.setLevel(logging.WARNING)
for logger in logging.root.manager.loggerDict.values():
    logger.setLevel(0)
driver_logging.apply(pickle.loads(captured))
"""


def test_level_and_format_are_taken_over():
    err = run(
        "logging.basicConfig(level=logging.INFO, format='%(levelname)s|%(name)s|%(message)s')\n"
        + WORKER
        + "logging.getLogger('mine').info('hello %d', 1)\nlogging.debug('no')\n"
    )
    assert err == "INFO|mine|hello 1\n"


def test_a_driver_that_has_configured_nothing():
    err = run(WORKER + "logging.info('no')\nlogging.warning('yes')\n")
    assert err == "WARNING:root:yes\n", "as in any program"


def test_functions_of_the_module_do_not_configure_anything():
    err = run(
        "logging.basicConfig(level=logging.INFO, format='driver %(message)s')\n"
        + WORKER
        + "logging.info('one')\nlogging.getLogger('x').info('two')\n"
    )
    assert err == "driver one\ndriver two\n"


def test_levels_of_other_loggers():
    err = run(
        "logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
        "logging.getLogger('noisy').setLevel('ERROR')\n"
        "logging.getLogger('mine').setLevel('DEBUG')\n"
        + WORKER
        + "logging.getLogger('noisy').info('no')\nlogging.getLogger('mine').debug('yes')\n"
    )
    assert err == "yes\n"


@pytest.mark.parametrize(
    "own",
    [
        "logging.basicConfig(level='DEBUG', format='own %(message)s')",
        "h = logging.StreamHandler(); h.setFormatter(logging.Formatter('own %(message)s')); "
        "logging.root.addHandler(h); logging.root.setLevel('DEBUG')",
    ],
)
def test_a_worker_that_configures_itself_has_its_way(own):
    err = run(
        "logging.basicConfig(level=logging.INFO, format='driver %(message)s')\n"
        + WORKER
        + own
        + "\nlogging.debug('hello')\n"
    )
    assert err == "own hello\n"


def test_a_level_that_the_worker_has_set_stays():
    err = run(
        "logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
        + WORKER
        + """
logging.root.setLevel(logging.ERROR)
driver_logging.apply(pickle.loads(captured)._replace(level=logging.DEBUG))
logging.info('no')
"""
    )
    assert err == ""


def test_a_formatter_of_the_user_s_own():
    err = run(
        """
class Mine(logging.Formatter):
    def format(self, record):
        return "mine " + super().format(record)

handler = logging.StreamHandler()
handler.setFormatter(Mine("%(levelname)s %(message)s"))
logging.basicConfig(level=logging.INFO, handlers=[handler])
"""
        + WORKER
        + "logging.info('hello')\n"
    )
    assert err == "INFO hello\n", "a class of __main__ does not come along, its format does"


def test_the_handler_that_prints_is_taken(tmp_path):
    err = run(
        f"""
to_file = logging.FileHandler({str(tmp_path / "log")!r})
to_file.setFormatter(logging.Formatter("file %(message)s"))
printing = logging.StreamHandler()
printing.setLevel(logging.WARNING)
printing.setFormatter(logging.Formatter("{{levelname}} {{message}}", style="{{"))
logging.basicConfig(level=logging.DEBUG, handlers=[to_file, printing])
"""
        + WORKER
        + "logging.info('no')\nlogging.error('yes')\n"
    )
    assert err == "ERROR yes\n"
