import subprocess
import sys

from rayx import hints
from rayx.waiting import object_hooks


def test_ids_can_be_awaited_and_nothing_is_imported_before_they_are():
    code = (
        "import sys, rayx\n"
        "from rayx._raylet import detached_object_id\n"
        "assert 'rayx.waiting.awaiting' not in sys.modules\n"
        "try:\n"
        "    detached_object_id(bytes(20)).__await__()\n"
        "except rayx.NotInitializedError:\n"
        "    assert 'rayx.waiting.awaiting' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_installed(monkeypatch):
    installed = []
    monkeypatch.setattr(object_hooks, "set_waiting_hooks", installed.append)
    monkeypatch.setattr(object_hooks, "set_long_wait_hook", lambda *hook: installed.append(hook))
    object_hooks.install()
    waiting, (look, first_look_ms) = installed
    from rayx.waiting import awaiting, patience

    assert waiting.future is awaiting.future
    assert first_look_ms == hints.FIRST_LOOK_MS
    monkeypatch.setattr(patience, "look", lambda *wait: ("looked", *wait))
    assert look("ids", True, 5_000, None) == ("looked", "ids", True, 5_000, None)
