import subprocess
import sys
import threading

import pytest

import rayx
from rayx.process.preload import Preload, import_all

END = """
import sys
sys.path[:] = {path!r}
from rayx.process import preload
sys.exit(0 if preload.template_end({modules!r}, {report!r}) else 1)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Makes modules that can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return make


@pytest.fixture
def template():
    """Starts the other end, in a process of its own."""
    started = []

    def start(preload, code=END):
        _, modules, _, report = preload.template_arguments()
        text = code.format(path=sys.path, modules=modules.split(","), report=report)
        started.append(subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_modules_are_imported(modules, template):
    preload = Preload([modules("one_module", "x = 1"), "json"])
    process = template(preload)
    preload.wait()
    preload.close()
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("import nothing_of_that_name", "cannot be imported: ModuleNotFoundError: No module"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        (
            "import threading\n"
            "threading.Thread(target=threading.Event().wait, name='busy', daemon=True).start()",
            r"starts a thread when it is imported \(busy\), which workers would not have",
        ),
        ("import os; os._exit(3)", "the worker template ended while it imported bad_module"),
    ],
)
def test_what_goes_wrong_is_told(modules, template, source, text):
    preload = Preload(["json", modules("bad_module", source)])
    process = template(preload)
    with pytest.raises(rayx.StartError, match=f"preload: .*{text}") as caught:
        preload.wait()
    preload.close()
    assert "bad_module" in str(caught.value)
    assert process.wait() != 0


def test_a_module_that_takes_for_ever(modules, template):
    preload = Preload([modules("slow_module", "import time; time.sleep(100)")])  # task work
    template(preload)
    with pytest.raises(rayx.StartError, match=r"not imported within 3 seconds .*slow_module"):
        preload.wait(3.0)
    preload.close()


def test_later_templates_import_without_telling(modules, template):
    preload = Preload([modules("one_module", "x = 1")])
    preload.close()
    assert template(preload).wait() == 0


def test_here(modules):
    name = modules("imported_here", "import sys; sys.imported_here_ran = True")
    import_all([name])
    assert sys.imported_here_ran
    with pytest.raises(rayx.StartError, match="imported_not cannot be imported"):
        import_all(["imported_not"])


def test_other_threads_are_not_blamed_on_a_module(modules):
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    import_all([modules("harmless", "x = 1")])
    end.set()
    thread.join()
