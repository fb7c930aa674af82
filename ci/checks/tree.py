"""The files that the rules look at."""

import os
import re
from functools import cached_property
from pathlib import Path

from checks import text

SKIPPED_DIRECTORIES = {"build", ".venv", ".git", "__pycache__", "dist"}
TOP_DIRECTORIES = ("cpp", "python", "tests", "benchmarks", "examples", "ci", "cmake")
CPP_SUFFIXES = (".h", ".cc")
PYTHON_SUFFIXES = (".py",)
CYTHON_SUFFIXES = (".pyx", ".pxd", ".pxi")
OTHER_SUFFIXES = (".fbs", ".cmake", ".txt", ".sh")
SOURCE_SUFFIXES = CPP_SUFFIXES + PYTHON_SUFFIXES + CYTHON_SUFFIXES + OTHER_SUFFIXES

ALLOWED_HERE = re.compile(r"(?://|#)\s*allow\(([a-z-]+)\):\s*\S")


class Tree:
    """A checkout. Paths are relative to its top and written with slashes; texts are read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._texts: dict[str, str] = {}
        self._codes: dict[str, str] = {}

    @cached_property
    def sources(self) -> list[str]:
        """All sources, sorted."""
        found = [
            name.name for name in self.root.iterdir() if name.name in ("Makefile", "CMakeLists.txt")
        ]
        for top in TOP_DIRECTORIES:
            for directory, subdirectories, names in os.walk(self.root / top):
                subdirectories[:] = [
                    d for d in subdirectories if not self._is_skipped(directory, d)
                ]
                relative = Path(directory).relative_to(self.root)
                found += [(relative / n).as_posix() for n in names if n.endswith(SOURCE_SUFFIXES)]
        return sorted(found)

    @cached_property
    def documents(self) -> list[str]:
        """All pages of Markdown, sorted."""
        found = []
        for directory, subdirectories, names in os.walk(self.root):
            subdirectories[:] = [
                d
                for d in subdirectories
                if not self._is_skipped(directory, d) and (d == ".github" or not d.startswith("."))
            ]
            relative = Path(directory).relative_to(self.root)
            found += [(relative / name).as_posix() for name in names if name.endswith(".md")]
        return sorted(found)

    def _is_skipped(self, directory: str, name: str) -> bool:
        return name in SKIPPED_DIRECTORIES or (Path(directory) / name / "pyvenv.cfg").exists()

    def with_suffix(self, suffixes: tuple[str, ...], under: str = "") -> list[str]:
        """Sources of these kinds, below a directory if one is given."""
        return [p for p in self.sources if p.endswith(suffixes) and p.startswith(under)]

    def modules(self, under: str) -> list[str]:
        """Python's modules below a directory, stubs too, sorted."""
        found = []
        for directory, subdirectories, names in os.walk(self.root / under):
            subdirectories[:] = [d for d in subdirectories if not self._is_skipped(directory, d)]
            relative = Path(directory).relative_to(self.root)
            found += [(relative / n).as_posix() for n in names if n.endswith((".py", ".pyi"))]
        return sorted(found)

    def text(self, path: str) -> str:
        """The file as it is; empty if there is none."""
        if path not in self._texts:
            file = self.root / path
            self._texts[path] = file.read_text(errors="replace") if file.is_file() else ""
        return self._texts[path]

    def code(self, path: str) -> str:
        """The file with comments and strings blanked out; lines stay where they are."""
        if path not in self._codes:
            self._codes[path] = text.code_of(path, self.text(path))
        return self._codes[path]

    def exists(self, path: str) -> bool:
        """Whether there is such a file or directory."""
        return (self.root / path).exists()

    def is_allowed_at(self, path: str, line: int, rule: str) -> bool:
        """Whether the line, or the one above, says `// allow(rule): why`."""
        lines = self.text(path).splitlines()
        for candidate in lines[max(0, line - 2) : line]:
            if rule in ALLOWED_HERE.findall(candidate):
                return True
        return False
