"""The list of long runs is sound, and what `make examples` writes has what was recorded."""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "examples"
RUNS = tomllib.loads((PLACE / "runs.toml").read_text())["run"]


@pytest.fixture(scope="module")
def run_all():
    before = sys.path.copy()
    spec = importlib.util.spec_from_file_location("run_all", PLACE / "run_all.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_all"] = module  # where dataclasses look for their annotations
    spec.loader.exec_module(module)
    sys.path[:] = before
    yield module
    del sys.modules["run_all"]


@pytest.mark.parametrize("entry", RUNS, ids=[run["example"] for run in RUNS])
def test_a_run_has_its_program_and_its_place_in_a_readme(entry, run_all):
    run = run_all.Run(**entry)
    program = PLACE / run.program
    readme = (program.parent / "README.md").read_text()
    assert program.exists()
    assert f"<!-- figures: {run.example} -->\n" in readme
    assert f"]({Path(run.picture).name})" in readme
    assert (PLACE / run.picture).parent == program.parent


def test_names_are_different():
    assert (
        len({run["example"] for run in RUNS}) == len({run["picture"] for run in RUNS}) == len(RUNS)
    )


@pytest.fixture
def project(run_all, tmp_path, monkeypatch):
    """A project whose only example is a program that a test writes."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "README.md").write_text("# One\n\n<!-- figures: one -->\n\nThe end.\n")
    entry = 'example = "one"\nprogram = "one/one.py"\npicture = "one/one.png"\narguments = "--x 3"'
    (tmp_path / "runs.toml").write_text(f"[[run]]\n{entry}\n")
    monkeypatch.setattr(run_all, "PLACE", tmp_path)
    monkeypatch.setattr(run_all, "PROJECT", tmp_path)
    monkeypatch.setattr(run_all, "RECORDS", tmp_path / "records")
    monkeypatch.setattr(run_all.limits, "__file__", str(tmp_path / "limits.py"))
    gains = {"processes": 2, "gains": {"loops": 1.6, "products": 1.04}}
    (tmp_path / "limits.py").write_text(f"import json; print(json.dumps({gains}))")
    return tmp_path


PROGRAM = """
import json, pathlib, sys
picture, record = (sys.argv[sys.argv.index(name) + 1] for name in ("--picture", "--record"))
assert sys.argv[1:3] == ["--x", "3"] and "--serial" in sys.argv
pathlib.Path(picture).write_bytes(b"png")
figures = {"outcome": "a | b", "parallel_s": 2.0, "serial_s": 3.0, "workers": 2}
pathlib.Path(record).write_text(json.dumps(figures))
"""


def run_main(run_all, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["run_all.py", *arguments])
    return run_all.main()


def test_figures_go_to_the_table_and_to_the_readme(run_all, project, monkeypatch):
    (project / "one" / "one.py").write_text(PROGRAM)
    for _ in range(2):  # the second run writes the line anew
        assert run_main(run_all, monkeypatch) == 0
    table = (project / "RESULTS.md").read_text()
    assert "| [one](one/README.md) | a / b | 3.00 | 2.00 | 1.50 × | – | 2 |\n" in table
    assert "- `one/one.py --x 3`\n" in table
    assert (
        "engine, 2 processes do 1.60 times as many loops and 1.04 times as many products" in table
    )
    readme = (project / "one" / "README.md").read_text()
    assert readme.startswith(
        "# One\n\n<!-- figures: one -->\nA | b, in 2.0 s with 2 at a time, 3.0 s"
    )
    assert readme.count("make examples") == 1
    assert readme.endswith(" here.\n\nThe end.\n")
    prose = [line for line in f"{readme}{table}".split("\n") if not line.startswith("|")]
    assert max(len(line) for line in prose) <= 100


def test_what_the_machine_allows_is_measured():
    printed = subprocess.run(
        [sys.executable, PLACE / "harness" / "limits.py"], check=True, capture_output=True
    ).stdout
    found = json.loads(printed)
    assert found["processes"] == len(os.sched_getaffinity(0))
    assert all(0 < gain < 2 * found["processes"] for gain in found["gains"].values())


def test_ray_stands_beside_it(run_all, project, monkeypatch):
    (project / "one" / "one.py").write_text("raise SystemExit('not run')")
    (project / "records").mkdir()
    figures = {"outcome": "a", "parallel_s": 12.34, "serial_s": None, "workers": 2}
    (project / "records" / "one.rayx.json").write_text(json.dumps(figures))
    (project / "records" / "one.ray.json").write_text(
        json.dumps({**figures, "parallel_s": 1.5, "engine": "Ray 2.99"})
    )
    assert run_main(run_all, monkeypatch, "--table") == 0
    table = (project / "RESULTS.md").read_text()
    assert "| a | – | 12.3 | – | 1.50 | 2 |\n" in table
    assert "*Ray* is Ray 2.99," in table


def test_a_run_that_fails_is_told_and_does_not_count(run_all, project, monkeypatch, capsys):
    (project / "one" / "one.py").write_text("raise ValueError('the reason')")
    assert run_main(run_all, monkeypatch) == 1
    out = capsys.readouterr().out
    assert "the reason" in out and "failed: one" in out
    assert not (project / "RESULTS.md").exists()


def test_a_run_that_hangs_is_ended(run_all, project, monkeypatch, capsys):
    (project / "one" / "one.py").write_text("import signal; signal.pause()")
    assert run_main(run_all, monkeypatch, "--limit", "0.5") == 1
    assert "went past the limit" in capsys.readouterr().out


def test_unknown_names_are_refused(run_all, project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run_main(run_all, monkeypatch, "--only", "two")
    assert "no example called two" in capsys.readouterr().err
