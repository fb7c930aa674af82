"""The key of a cluster: who has it, and who must not (S8, S9, S32)."""

import os
import tempfile
from pathlib import Path

import pytest
from other_user import as_root, error_number, run_as_nobody
from session_watch import descendants, read
from standing_session import JOIN, StandingSession, rayx_command


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "cluster.key"


def test_a_session_has_a_key_and_nobody_else_sees_it(run_program, path):
    session = StandingSession(f"--key-file={path}")
    try:
        assert f"A key was made: {path}" in session.told
        assert f"Its key is {path}\n" in session.told
        assert session.status()["key_file"] == str(path)
        assert f"  key        {path}\n" in rayx_command("status")[0]
        secret = path.read_text().strip()
        digits = secret.split("-")[3]
        assert len(digits) == 64 and digits not in session.told
        program = (
            JOIN
            + """
join()

@rayx.remote
def look():
    files = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
             if os.path.exists(f"/proc/self/fd/{fd}")]
    return dict(os.environ), files, open("/proc/self/cmdline").read()

print(rayx.get(look.remote()))
"""
        )
        told = run_program(program, session.address)[0]
        assert "PATH" in told and digits not in told and str(path) not in told
        session.note()
        for pid in [session.supervisor, *descendants(session.supervisor)]:
            for name in ("cmdline", "environ"):
                assert digits not in read(f"/proc/{pid}/{name}")
        for file in Path(session.directory).rglob("*"):
            if file.is_file():
                assert digits.encode() not in file.read_bytes(), file
        told = rayx_command("key", "rotate", f"--key-file={path}", exit_code=1)[1]
        assert f"the session at {session.address} uses the key" in told
        assert path.read_text().strip() == secret
    finally:
        session.stop()
    rayx_command("key", "rotate", f"--key-file={path}")
    assert path.read_text().strip() != secret


def test_a_key_that_others_can_read_starts_nothing(path):
    rayx_command("key", "rotate", f"--key-file={path}")
    path.chmod(0o644)
    told = rayx_command("start", "--head", f"--key-file={path}", exit_code=1)[1]
    assert f"`chmod 600 {path}`" in told
    assert "There is no session" in rayx_command("status", exit_code=1)[0]


@as_root
def test_another_user_cannot_read_it(open_place):
    place = Path(tempfile.mkdtemp())
    place.chmod(0o711)  # so that only the key's own modes protect it
    path = place / "cluster.key"
    rayx_command("key", "rotate", f"--key-file={path}")
    assert run_as_nobody(os.path.exists, str(path))
    assert run_as_nobody(error_number, os.open, str(path), os.O_RDONLY) == 13
