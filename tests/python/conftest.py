"""Unit tests of the Python package: no daemons, except for the examples in docstrings."""

import gc
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


class _Finalized:
    """Garbage that only the collector finds."""

    def __init__(self, finalizer):
        self.finalizer, self.itself = finalizer, self

    def __del__(self):
        gc.disable()  # one is enough
        self.finalizer()


@pytest.fixture
def with_finalizer_within():
    """Calls `act` again and again, each time with a finalizer that runs some steps later in it."""
    thresholds, was_enabled = gc.get_threshold(), gc.isenabled()

    def run(act, finalizer, steps=80):
        gc.freeze()  # so that collecting takes little time
        # Python keeps some thousand tuples to use again, which do not count as made.
        kept = [(number, number) for number in range(5000)]
        within = []
        for allocations in range(1, steps):
            gc.collect()
            ran = []
            _Finalized(lambda ran=ran: (ran.append(1), finalizer()))
            gc.set_threshold(allocations)
            gc.enable()
            try:
                act()
            finally:
                within += ran
                gc.disable()
                gc.set_threshold(*thresholds)
        assert kept
        assert len(within) > 10, "no finalizer ran in the midst of it"

    yield run
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    if was_enabled:
        gc.enable()
