"""Unit tests of the Python package: no daemons."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))


@pytest.fixture
def node(monkeypatch):
    """A session on a node that lives in this process; see fake_node.py."""
    import fake_node

    from rayx import objects, remote_function, session, signature

    monkeypatch.setattr(objects, "ObjectID", fake_node.FakeObjectID)
    monkeypatch.setattr(signature, "ObjectID", fake_node.FakeObjectID)
    monkeypatch.setattr(remote_function, "TaskTemplate", fake_node.FakeTemplate)
    client = fake_node.FakeClient()
    before = session.set_current(session.Session(client, session.SCRIPT_MODE))
    yield client
    session.set_current(before)
