"""Unit tests of the Python package: no daemons, except for the examples in docstrings."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))


@pytest.fixture
def node(monkeypatch):
    """A session on a node that lives in this process; see fake_node.py."""
    import fake_node

    from rayx import session
    from rayx.calls import actor, actor_handle, remote_function
    from rayx.process import gpus

    for module in (actor, actor_handle, remote_function):
        monkeypatch.setattr(module, "TaskTemplate", fake_node.FakeTemplate)
    # Tasks run in this process, whose environment is not theirs.
    monkeypatch.setattr(gpus.os, "environ", dict(os.environ))
    client = fake_node.FakeClient()
    before = session.set_current(session.Session(client, session.SCRIPT_MODE))
    yield client
    session.set_current(before)


@pytest.fixture
def own_environment():
    """For tests that play a worker in this process: it sets up the environment of its tasks."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
