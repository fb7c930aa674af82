"""Arguments of `rayx.init` with real processes."""

import os
import shutil
import sys

import pytest

import rayx


def test_preload(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "preloaded_one.py").write_text("import os\npid = os.getpid()\n")

    @rayx.remote
    def where():
        module = sys.modules.get("preloaded_one")
        return module and module.pid, os.getpid(), os.getppid()

    with rayx.init(num_cpus=1, preload=["preloaded_one", "json"]):
        imported_in, worker, template = rayx.get(where.remote())
    assert imported_in == template != worker


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1 / 0", "preloaded_bad cannot be imported: ZeroDivisionError"),
        ("import os; os._exit(3)", "the worker template ended while it imported preloaded_bad"),
        (
            "from threading import *; Thread(target=Event().wait, daemon=True).start()",
            "preloaded_bad starts a thread when it is imported",
        ),
    ],
)
def test_a_preload_that_fails_leaves_nothing(tmp_path, monkeypatch, source, text):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "preloaded_bad.py").write_text(source + "\n")
    with pytest.raises(rayx.StartError, match=text):
        rayx.init(num_cpus=1, preload=["preloaded_bad"])
    assert not rayx.is_initialized()


def test_redirected_output_is_where_it_is_said_to_be(capfd):
    @rayx.remote
    def speak():
        print("a word of a worker", flush=True)

    with rayx.init(num_cpus=1, redirect_output=True) as context:
        directory = f"{context['session_dir']}/logs"
        assert f"goes to {directory}\n" in capfd.readouterr().err
        rayx.get(speak.remote())
    assert os.path.isdir(directory)
    shutil.rmtree(os.path.dirname(directory))


def test_run_on_all_workers():
    @rayx.remote
    def look():
        return os.environ.get("RAYX_TEST_SETUP"), os.getpid()

    with rayx.init(num_cpus=2):
        rayx.get([look.remote() for _ in range(4)])
        rayx.run_on_all_workers(lambda: os.environ.update(RAYX_TEST_SETUP="1"))
        rayx.run_on_all_workers(
            lambda: os.environ.update(RAYX_TEST_SETUP=os.environ["RAYX_TEST_SETUP"] + "2")
        )
        assert {value for value, _ in rayx.get([look.remote() for _ in range(10)])} == {"12"}

        @rayx.remote
        class Late:
            def look(self):
                return os.environ.get("RAYX_TEST_SETUP")

        assert rayx.get(Late.remote().look.remote()) == "12"


def test_a_setup_that_fails_fails_tasks():
    @rayx.remote
    def work():
        return 1

    def fail():
        raise KeyError("setup")

    with rayx.init(num_cpus=1, driver_mode=rayx.SILENT_MODE):
        rayx.run_on_all_workers(fail)
        with pytest.raises(KeyError, match="fail raised this: rayx.run_on_all_workers has"):
            rayx.get(work.remote())


def test_errors_are_records_of_this_driver():
    @rayx.remote
    def fail():
        raise ValueError("recorded")

    with rayx.init(num_cpus=1, driver_mode=rayx.SILENT_MODE) as context:
        with pytest.raises(ValueError):
            rayx.get(fail.remote())
        (record,) = rayx.error_info()
    assert type(record) is rayx.ErrorInfo
    assert (record.function, record.kind, record.driver_id) == (
        "fail",
        "TaskError",
        context["driver_id"],
    )
    assert "recorded" in record.message


def test_preloaded_libraries_have_as_many_threads_as_the_task_has_cpus(run_program):
    pytest.importorskip("threadpoolctl")
    run_program(
        """
import rayx
from rayx.process import gpus

def threads():
    import numpy
    from threadpoolctl import threadpool_info
    return sorted({one["num_threads"] for one in threadpool_info()})

with rayx.init(num_cpus=3, preload=["numpy"]):
    one, two = rayx.remote(threads), rayx.remote(num_cpus=2)(threads)
    for _ in range(3):
        assert rayx.get(one.remote()) == [1]
        assert rayx.get(two.remote()) == [2]
with rayx.init(num_cpus=3):  # imported in a task of one CPU, used in others
    for _ in range(3):
        assert rayx.get(one.remote()) == [1]
        assert rayx.get(two.remote()) == [2]
"""
    )
