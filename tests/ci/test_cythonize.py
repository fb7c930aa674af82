"""cmake/cythonize.py makes C++ of Cython modules, each by itself, and only where something is new."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "cmake" / "cythonize.py"

# Both have a `vector`, of which the declarations are read once, and a name of their own for it.
FIRST = "from libcpp.vector cimport vector\ncdef vector[int] seen\ndef add(int x):\n    seen.push_back(x)\n"
SECOND = "from libcpp.vector cimport vector\ndef count():\n    cdef vector[double] none\n    return none.size()\n"


def cythonize(directory: Path, *names: str) -> subprocess.CompletedProcess[str]:
    (directory / "made").mkdir(exist_ok=True)
    files = [str(directory / name) for name in names]
    command = [sys.executable, str(SCRIPT), str(directory / "made"), str(directory), *files]
    return subprocess.run(command, capture_output=True, text=True, cwd=directory)


def test_what_is_new_is_made(tmp_path: Path) -> None:
    (tmp_path / "first.pyx").write_text(FIRST)
    (tmp_path / "second.pyx").write_text(SECOND)
    done = cythonize(tmp_path, "first.pyx", "second.pyx")
    assert done.returncode == 0, done.stderr
    first, second = tmp_path / "made" / "first.cc", tmp_path / "made" / "second.cc"
    assert "std::vector<int>" in first.read_text()
    assert "std::vector<double>" in second.read_text()
    assert "std::vector<int>" not in second.read_text()

    os.utime(first, (2e9, 2e9))
    os.utime(second, (1e9, 1e9))
    assert cythonize(tmp_path, "first.pyx", "second.pyx").returncode == 0
    assert first.stat().st_mtime == 2e9
    assert second.stat().st_mtime > 1e9


def test_a_mistake_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    broken, made = tmp_path / "broken.pyx", tmp_path / "made" / "broken.cc"
    broken.write_text("cdef int x = 1\n")
    assert cythonize(tmp_path, "broken.pyx").returncode == 0
    os.utime(made, (1e9, 1e9))
    broken.write_text("cdef int x = unknown\n")
    done = cythonize(tmp_path, "broken.pyx")
    assert done.returncode == 1
    assert "broken.pyx:1:13: undeclared name not builtin: unknown" in done.stdout + done.stderr
    assert not made.exists()
