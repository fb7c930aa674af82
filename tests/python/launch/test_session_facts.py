import json
import os
import stat

import pytest

from rayx.launch.session_facts import FILE_NAME, SessionFacts

FACTS = SessionFacts(
    owner_pid=1, supervisor_pid=2, python_version="3.11.7", redis_shards=1, redirect_output=False
)


def test_are_read_as_they_were_written(tmp_path):
    umask = os.umask(0)
    try:
        FACTS.write(tmp_path)
    finally:
        os.umask(umask)
    assert SessionFacts.read(tmp_path) == FACTS
    assert os.listdir(tmp_path) == [FILE_NAME]
    assert stat.S_IMODE(os.stat(tmp_path / FILE_NAME).st_mode) == 0o600


def test_a_session_without_an_owner_stands():
    assert not FACTS.is_standing
    assert FACTS._replace(owner_pid=0).is_standing


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '"x"',
        json.dumps(FACTS._asdict() | {"owner_pid": "1"}),
        json.dumps(FACTS._asdict() | {"redirect_output": 1}),
        json.dumps(FACTS._asdict() | {"more": 1}),
        "[" * 60_000,
    ],
)
def test_nonsense_is_none(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    assert SessionFacts.read(tmp_path) is None


def test_links_are_not_followed(tmp_path):
    FACTS.write(tmp_path)
    os.mkdir(tmp_path / "other")
    os.symlink(tmp_path / FILE_NAME, tmp_path / "other" / FILE_NAME)
    assert SessionFacts.read(tmp_path / "other") is None
