"""ci/note_edited_sources.sh: which sources a build compiles by themselves."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "ci" / "note_edited_sources.sh"


@pytest.fixture
def clone(tmp_path):
    """A repository with two sources."""

    def git(*arguments):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    (tmp_path / "cpp" / "room").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "cpp" / "room" / f"{name}.cc").write_text("int x;\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return tmp_path, git


def note(place):
    """The list, and when it was written."""
    subprocess.run([SCRIPT, "edited.txt"], cwd=place, check=True)
    edited = place / "edited.txt"
    return edited.read_text().split(), edited.stat().st_mtime_ns


def test_what_was_edited_stays_in_the_list(clone):
    place, git = clone
    assert note(place)[0] == []
    (place / "cpp" / "room" / "b.cc").write_text("int y;\n")
    names, written = note(place)
    assert names == ["cpp/room/b.cc"]
    assert note(place) == (names, written)  # nothing new: nothing is configured again
    git("commit", "-q", "-a", "-m", "second")
    assert note(place) == (names, written)
    (place / "cpp" / "room" / "a.cc").write_text("int z;\n")
    assert note(place)[0] == ["cpp/room/a.cc", "cpp/room/b.cc"]


def test_without_a_history_nothing_is_edited(tmp_path):
    assert note(tmp_path)[0] == []
