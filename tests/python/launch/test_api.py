import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

import rayx
from rayx import session
from rayx.launch import machine, start


class Parts:
    def __init__(self, client):
        self.client = client
        self.stopped = 0
        self.keeps_logs = False

    def stop(self):
        self.stopped += 1


@pytest.fixture
def parts(monkeypatch):
    """`init` without processes: what it starts is a fake node."""
    from fake_node import FakeClient

    made = Parts(FakeClient())

    def start_session(options):
        made.options = options
        addresses = {"session_dir": "/nowhere", "supervisor_pid": 1}
        return session.Session(made.client, options.driver_mode, made), addresses

    monkeypatch.setattr(start, "start_session", start_session)
    yield made
    rayx.shutdown()


def test_init_and_shutdown(parts):
    assert not rayx.is_initialized()
    addresses = rayx.init(num_cpus=2, driver_mode=rayx.SILENT_MODE)
    assert addresses["session_dir"] == "/nowhere"
    assert rayx.is_initialized()
    assert parts.options.num_cpus == 2
    assert session.current().mode == rayx.SILENT_MODE
    rayx.shutdown()
    rayx.shutdown()
    assert not rayx.is_initialized()
    assert parts.stopped == 1
    assert parts.client.closed


def test_as_a_context_manager(parts):
    with pytest.raises(KeyError), rayx.init():
        raise KeyError
    assert parts.stopped == 1
    with rayx.init():
        assert rayx.is_initialized()
    assert parts.stopped == 2


def test_init_twice(parts):
    rayx.init()
    with pytest.raises(rayx.AlreadyInitializedError, match=r"rayx\.shutdown\(\).*is_initialized"):
        rayx.init()
    assert rayx.is_initialized()


def test_init_twice_on_purpose(parts):
    first = rayx.init(num_cpus=2)
    with rayx.init(num_cpus=5, ignore_reinit_error=True) as again:
        assert again == first
    assert rayx.is_initialized()  # who began it, ends it
    assert session.current().options.num_cpus == 2
    with pytest.raises(TypeError, match="ignore_reinit_error must be True or False, not 1"):
        rayx.init(ignore_reinit_error=1)


def test_a_cell_that_is_run_again(parts, monkeypatch, capsys):
    first = rayx.init(num_cpus=2)
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert rayx.init(num_cpus=2) == first
    assert rayx.init(num_cpus=2) == first
    assert capsys.readouterr().err == (
        "rayx: rayx.init() was called again with the same arguments: the session goes on. "
        "rayx.shutdown() ends it\n"
    )
    with pytest.raises(rayx.AlreadyInitializedError, match="ignore_reinit_error"):
        rayx.init(num_cpus=1)


def test_a_start_that_fails_leaves_no_session(monkeypatch):
    def start_session(options):
        raise rayx.StartError("no")

    monkeypatch.setattr(start, "start_session", start_session)
    with pytest.raises(rayx.StartError):
        rayx.init()
    assert not rayx.is_initialized()


def test_wrong_arguments_start_nothing(parts):
    with pytest.raises(ValueError):
        rayx.init(num_cpus=-1)
    assert not hasattr(parts, "options")


def test_gpus_that_are_not_used_are_named(parts, capfd, monkeypatch):
    monkeypatch.setattr(machine, "gpu_names", lambda: ["NVIDIA A100", "NVIDIA A100"])
    with rayx.init(num_gpus=0):
        assert capfd.readouterr().err == ""
    with rayx.init():
        told = capfd.readouterr().err
    assert told.startswith("rayx: GPUs found and not used: NVIDIA A100, NVIDIA A100. ")
    assert "rayx.init(num_gpus=2)" in told


def test_the_directory_of_the_logs_is_told(parts, capfd):
    parts.keeps_logs = True
    with rayx.init(redirect_output=True, num_gpus=0):
        assert capfd.readouterr().err == (
            "rayx: the output of the session's processes goes to /nowhere/logs\n"
        )


def test_shutdown_in_another_thread(parts):
    rayx.init()
    thread = threading.Thread(target=rayx.shutdown)
    thread.start()
    thread.join()
    assert parts.stopped == 1


def test_the_public_names_exist():
    for name in rayx.__all__:
        assert hasattr(rayx, name)
    assert rayx.ObjectRef is rayx.ObjectID


def test_the_version_is_the_projects():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert rayx.__version__ == project["version"]


def test_dir_shows_what_is_for_users_and_nothing_else():
    shown = [name for name in dir(rayx) if not name.startswith("__")]
    assert shown == sorted(rayx.__all__)
    assert "ErrorInfo" in shown
    assert rayx.results.objects.get is rayx.get  # which is there all the same


def test_heavy_modules_are_not_imported_before_they_are_needed():
    heavy = (
        "numpy pyarrow cloudpickle psutil asyncio subprocess socket inspect dataclasses datetime "
        "ctypes html array difflib traceback logging"
    )
    ours = (
        "calls.batch calls.worker_setup error_records launch.api launch.start process.gpus "
        "process.thread_limits queries results.batching results.cancellation results.completion "
        "results.mapping results.progress_bar text.words values.by_value values.redefinitions "
        "waiting.patience"
    )
    names = [*heavy.split(), *(f"rayx.{name}" for name in ours.split())]
    code = (
        "import sys; before = set(sys.modules); import rayx; "
        f"print([m for m in {names} if m in sys.modules and m not in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_import_loads_these_modules_and_no_others():
    """Each costs the import of rayx a tenth of a millisecond and more: to add one is a decision.

    What only some programs need, such as actors, is loaded when it is asked for (`_LATER`).
    """
    expected = """
        rayx
        rayx._raylet
        rayx.calls
        rayx.calls.call_options
        rayx.calls.function_reference
        rayx.calls.remote_function
        rayx.calls.signature
        rayx.calls.task_options
        rayx.errors
        rayx.hints
        rayx.results
        rayx.results.objects
        rayx.session
        rayx.text
        rayx.text.durations
        rayx.text.quantities
        rayx.text.resources
        rayx.text.value_text
        rayx.values
        rayx.values.function_table
        rayx.values.importable
        rayx.values.reducers
        rayx.values.serialization
        rayx.waiting
        rayx.waiting.object_hooks
    """.split()
    code = (
        "import sys, typing, importlib.util\n"
        "before = set(sys.modules)\n"
        "import rayx\n"
        "new = sorted(m for m in set(sys.modules) - before if not m.startswith('rayx._raylet.'))\n"
        "print(*(m for m in new if m.startswith('rayx')))\n"
        "print(*(m for m in new if not m.startswith('rayx') and m in sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours, others = done.stdout.splitlines()
    assert ours.split() == expected
    assert set(others.split()) <= set(
        "_compat_pickle _pickle _struct _weakrefset gc math pickle struct threading weakref".split()
    )


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Actor", "calls.actor"),
        ("ActorClass", "calls.actor"),
        ("ActorHandle", "calls.actor_handle"),
        ("ActorMethod", "calls.actor_handle"),
        ("ObjectStream", "waiting.object_stream"),
        ("get_actor", "calls.actor"),
        ("method", "calls.actor_options"),
    ],
)
def test_a_late_name_is_the_same_however_it_is_asked_for_first(name, module):
    code = (
        "import pickle, sys, rayx\n"
        f"assert 'rayx.{module}' not in sys.modules and '{name}' in dir(rayx)\n"
        f"pickled = b'crayx\\n{name}\\n.'\n"  # what refers to it by its name
        "found = pickle.loads(pickled)\n"
        f"assert found is rayx.{name} is sys.modules['rayx.{module}'].{name}\n"
        f"from rayx import {name}\n"
        f"assert {name} is found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_imported_late_is_asked_for_once():
    code = (
        "import sys, rayx\n"
        "assert 'map' not in vars(rayx)\n"
        "from rayx import map\n"
        "assert vars(rayx)['map'] is map and sys.modules['rayx.results.mapping'].map is map\n"
        "from rayx import *\n"
        "assert set(rayx.__all__) <= vars(rayx).keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_import_of_a_name_that_others_have_is_told_what_there_is():
    said = r"^cannot import name 'timeline' from 'rayx': no timeline"
    with pytest.raises(ImportError, match=said):
        from rayx import timeline  # noqa: F401
    with pytest.raises(ImportError, match=r"^cannot import name 'nothing' from 'rayx'"):
        from rayx import nothing  # noqa: F401
    assert not hasattr(rayx, "timeline")
    from rayx import text  # the modules behind it can be imported as before

    assert text is sys.modules["rayx.text"]
