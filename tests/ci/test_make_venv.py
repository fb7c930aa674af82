"""`make` makes its environment quickly, and one that works."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent.parent.parent / "ci" / "make_venv.py"
spec = importlib.util.spec_from_file_location("make_venv", PROGRAM)
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)


def test_the_environment_has_pip(tmp_path):
    program.make_venv(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    outcome = subprocess.run(
        [python, "-m", "pip", "--version"],
        check=True,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert str(tmp_path) in outcome.stdout
    assert (tmp_path / "venv" / "bin" / "pip").exists()


def test_a_python_that_carries_no_wheel_does_it_itself(tmp_path, monkeypatch):
    made = {}
    monkeypatch.setattr(program, "carried_pip", lambda: None)
    monkeypatch.setattr(program.venv, "create", lambda where, **how: made.update(how))
    program.make_venv(tmp_path)
    assert made["with_pip"]


def test_the_wheel_of_the_distribution_goes_first(tmp_path, monkeypatch):
    own = program.carried_pip()
    (tmp_path / "pip-99.0-py3-none-any.whl").touch()
    monkeypatch.setattr(program.sysconfig, "get_config_var", lambda name: str(tmp_path))
    assert program.carried_pip() == tmp_path / "pip-99.0-py3-none-any.whl"
    monkeypatch.setattr(program.sysconfig, "get_config_var", lambda name: "/nonexistent")
    assert own is None or program.carried_pip() == own


def test_a_directory_is_asked_for():
    outcome = subprocess.run([sys.executable, PROGRAM], check=False, capture_output=True, text=True)
    assert outcome.returncode == 2
    assert "DIRECTORY" in outcome.stderr
