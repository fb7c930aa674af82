import os
import stat

import pytest

import rayx
from rayx.records import cluster_key
from rayx.runs.rendezvous import Meeting, Rendezvous

MEETING = Meeting("192.0.2.7:6379", bytes(range(32)))


def test_who_comes_finds_what_the_first_has_told(tmp_path):
    other = Rendezvous(tmp_path, "slurm-1.0")
    assert other.meeting() is None
    with Rendezvous(tmp_path, "slurm-1.0") as place:
        assert other.meeting() is None
        place.tell(MEETING)
        assert other.meeting() == MEETING
        assert Rendezvous(tmp_path, "slurm-1.1").meeting() is None
    assert other.meeting() is None
    assert os.listdir(tmp_path) == []


def test_nobody_else_can_look(tmp_path):
    before = os.umask(0)
    try:
        with Rendezvous(tmp_path, "run") as place:
            place.tell(MEETING)
            modes = [
                stat.S_IMODE(os.stat(path).st_mode) for path in (place.path, place.path / "head")
            ]
            assert modes == [0o700, 0o600]
    finally:
        os.umask(before)


def test_what_a_run_has_left_is_removed(tmp_path):
    Rendezvous(tmp_path, "run").__enter__().tell(MEETING)
    with Rendezvous(tmp_path, "run") as place:
        assert place.meeting() is None
        place.tell(MEETING)


def test_what_others_could_have_written_is_refused(tmp_path):
    with Rendezvous(tmp_path, "run") as place:
        place.tell(MEETING)
        place.path.chmod(0o770)
        with pytest.raises(rayx.StartError, match=r"not yours alone .*mode 0770"):
            place.meeting()


def test_a_link_is_refused(tmp_path):
    with Rendezvous(tmp_path, "real") as place:
        place.tell(MEETING)
        (tmp_path / ".rayx-run").symlink_to(place.path)
        with pytest.raises(rayx.StartError, match="not yours alone"):
            Rendezvous(tmp_path, "run").meeting()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"address": "a:1", "key": "rayx-key-1-00"}'])
def test_what_is_not_ours_is_refused(tmp_path, text):
    with Rendezvous(tmp_path, "run") as place:
        (place.path / "head").write_text(text)
        with pytest.raises(rayx.StartError, match="not what rayx has written"):
            place.meeting()


def test_a_place_that_cannot_be_made(tmp_path):
    with pytest.raises(rayx.StartError, match="--rendezvous"):
        Rendezvous(tmp_path / "missing", "run").__enter__()


def test_the_key_is_told_as_in_its_file(tmp_path):
    with Rendezvous(tmp_path, "run") as place:
        place.tell(MEETING)
        assert cluster_key.text_of(MEETING.key) in (place.path / "head").read_text()
