import os
from pathlib import Path

from rayx.process import session_place


def test_it_is_taken_out_of_the_environment(monkeypatch):
    monkeypatch.setattr(session_place, "_directory", "")
    monkeypatch.setenv(session_place.VARIABLE, "/tmp/rayx-7")
    session_place.take()
    assert session_place.VARIABLE not in os.environ
    assert session_place.directory() == Path("/tmp/rayx-7")
