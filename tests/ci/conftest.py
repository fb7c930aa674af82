"""Tiny trees for the rules of ci/tidy.py."""

import sys
from pathlib import Path

import pytest

CI = Path(__file__).resolve().parents[2] / "ci"
sys.path.insert(0, str(CI))

from checks.law import Law  # noqa: E402
from checks.tree import Tree  # noqa: E402


@pytest.fixture
def law() -> Law:
    """The law as it stands: its data is tested with its rules."""
    return Law.read(CI / "layers.toml")


@pytest.fixture
def tree_of(tmp_path: Path):
    """Makes a tree of `{path: text}`."""

    def make(files: dict[str, str]) -> Tree:
        for path, content in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return Tree(tmp_path)

    return make
