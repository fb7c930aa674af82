"""The wheel runs where there is no compiler, and nothing of the sources."""

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SMOKE = """
import rayx

info = rayx.init(num_cpus=2)


@rayx.remote
def square(x):
    return x * x


@rayx.remote
class Counter:
    def __init__(self):
        self.value = 0

    def add(self, amount):
        self.value += amount
        return self.value


counter = Counter.remote()
large = rayx.put(b"x" * 1_000_000)
assert rayx.get([square.remote(i) for i in range(100)]) == [i * i for i in range(100)]
assert rayx.get([counter.add.remote(1) for _ in range(3)]) == [1, 2, 3]
assert len(rayx.get(large)) == 1_000_000
rayx.shutdown()
print(rayx.__file__)
"""


def run(*command: object, **options: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=280, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.time_limit(300)
def test_a_wheel_needs_no_compiler_and_no_sources(tmp_path):
    run("make", "wheel", cwd=ROOT)
    (wheel,) = (ROOT / "build" / "dist").glob("*.whl")
    # Which C library it asks for at least; the name of any other system would not be portable.
    assert re.search(r"-manylinux_2_\d+_\w+\.whl$", wheel.name), wheel.name

    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "smoke.py").write_text(SMOKE)
    # No PATH: neither a compiler nor a control server of the system is found.
    bare = {"PATH": "", "HOME": str(empty), "RAYX_RUNTIME_DIR": str(tmp_path / "records")}
    place = run(python, "smoke.py", cwd=empty, env=bare)
    assert place.startswith(str(tmp_path / "venv"))
    check_program(tmp_path / "venv" / "bin" / "rayx", cwd=empty, env=bare)


def check_program(rayx: Path, **options: object) -> None:
    """The program that is installed beside Python starts a session, shows it and ends it."""
    assert "usage: rayx" in run(rayx, "--help", **options)
    assert run(rayx, "--version", **options).startswith("rayx ")
    small = ("--num-cpus=1", "--object-store-memory=67108864")
    try:
        told = run(rayx, "start", "--head", *small, **options)
        (session,) = json.loads(run(rayx, "status", "--json", **options))["sessions"]
        assert f'redis_address="{session["address"]}"' in told
        assert session["state"] == "serving"
    finally:
        stopped = run(rayx, "stop", **options)
    assert stopped.startswith(f"Stopped the session at {session['address']}")
    assert not Path(session["session_dir"]).exists()
