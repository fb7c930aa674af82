import io
import os
import stat
import zipfile

import pytest

from rayx.process import working_dir
from rayx.process.working_dir import pack


@pytest.fixture
def project(tmp_path):
    """A directory of some files."""
    root = tmp_path / "project"
    for name in ("main.py", "lib/a.py", "lib/data/table.csv", ".git/HEAD", "__pycache__/main.pyc"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def names_in(packed):
    return zipfile.ZipFile(io.BytesIO(packed.archive)).namelist()


def test_all_files_are_packed_but_what_nobody_needs(project):
    packed = pack(project)
    assert names_in(packed) == ["lib/a.py", "lib/data/table.csv", "main.py"]
    assert packed.path == str(project)


def test_the_same_files_are_the_same(project):
    first = pack(project)
    os.utime(project / "main.py", (0, 0))
    assert pack(project) == first
    (project / "main.py").write_text("other")
    assert pack(project).digest != first.digest
    (project / "main.py").write_text("main.py")
    (project / "main.py").chmod(0o755)
    assert pack(project).digest != first.digest


def test_an_ignore_file_is_read_as_git_does(project):
    (project / ".gitignore").write_text("lib/\n")
    assert names_in(pack(project)) == [".gitignore", "main.py"]
    (project / ".rayxignore").write_text("*.csv\n!lib\n# no\n.*ignore\n")
    assert names_in(pack(project)) == ["lib/a.py", "main.py"]


def test_an_ignore_file_that_cannot_be_read_is_named(project):
    (project / ".gitignore").write_bytes(b"\xff\xfe*.csv\n")
    with pytest.raises(ValueError, match=r"working_dir=.*: \.gitignore cannot be read: 'utf-8'"):
        pack(project)
    (project / ".rayxignore").mkdir()
    with pytest.raises(ValueError, match=r"\.rayxignore cannot be read: .*Is a directory"):
        pack(project)
    (project / ".rayxignore").rmdir()
    (project / ".rayxignore").write_text("!\n")
    with pytest.raises(ValueError, match=r"\.rayxignore cannot be read: Invalid git pattern"):
        pack(project)


def test_modes_are_kept_and_links_lead_to_files(project):
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o750)
    (project / "link").symlink_to("main.py")
    (project / "nowhere").symlink_to("missing")
    os.mkfifo(project / "pipe")
    archive = zipfile.ZipFile(io.BytesIO(pack(project).archive))
    assert stat.S_IMODE(archive.getinfo("run.sh").external_attr >> 16) == 0o750
    assert archive.read("link") == b"main.py"
    assert not {"nowhere", "pipe"} & set(archive.namelist())


def test_too_much_is_refused_and_the_largest_are_named(project, monkeypatch):
    (project / "model.bin").write_bytes(os.urandom(5000))
    monkeypatch.setattr(working_dir, "PACKED_BYTES_MAX", 4000)
    with pytest.raises(ValueError, match=r"its 4 files packed, have .* model\.bin \(5,000 bytes\)"):
        pack(project)
    monkeypatch.setattr(working_dir, "FILES_BYTES_MAX", 3000)
    with pytest.raises(
        ValueError, match=r"its 4 files have 5,0.. bytes, and 3,000 go .*rayxignore"
    ):
        pack(project)


def test_what_is_no_directory(tmp_path):
    with pytest.raises(ValueError, match="is not a directory"):
        pack(tmp_path / "missing")
