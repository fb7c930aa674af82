import subprocess
import sys

import pytest

import rayx
from rayx.command import main as command


def run(*arguments):
    command = [sys.executable, "-m", "rayx", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50)


def test_help_lists_the_commands():
    for arguments in ([], ["--help"]):
        ran = run(*arguments)
        assert ran.returncode == 0 and ran.stderr == ""
        for name in ("start", "stop", "status", "key"):
            assert f"\n    {name} " in ran.stdout


@pytest.mark.parametrize("name", ["start", "stop", "status", "key"])
def test_each_has_its_own_help(name):
    assert f"usage: rayx {name}" in run(name, "--help").stdout


def test_version():
    assert run("--version").stdout == f"rayx {rayx.__version__}\n"


def test_what_is_not_understood():
    ran = run("begin")
    assert ran.returncode == 2 and "invalid choice: 'begin'" in ran.stderr


def test_help_imports_no_command():
    program = (
        "import sys; from rayx.command.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('bz2', 'psutil', 'json', 'rayx.launch', 'rayx.command.start') "
        "if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stderr == "[]\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (rayx.StartError("no"), 1),
        (ValueError("no"), 2),
        (TypeError("no"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_failures_are_a_line_and_an_exit_code(monkeypatch, capsys, error, code):
    from rayx.command import stop

    def fail(options):
        raise error

    monkeypatch.setattr(stop, "run", fail)
    assert command.main(["stop"]) == code
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("rayx stop: ") and err.count("\n") == 1


def test_other_errors_are_faults_of_ours(monkeypatch):
    from rayx.command import stop

    def fail(options):
        raise KeyError("x")

    monkeypatch.setattr(stop, "run", fail)
    with pytest.raises(KeyError):
        command.main(["stop"])
