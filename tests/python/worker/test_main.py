import os

import pytest

from rayx import session
from rayx.worker import main as worker_main


class Ended(BaseException):
    """In place of the end of the process."""


class Output:
    """Of a worker."""

    def __init__(self, done):
        self.done = done

    def install(self):
        pass

    def take(self):
        self.done.append("flushed")


class WorkerEnd:
    """In place of the module."""

    def __init__(self, done):
        self.done = done

    def install(self, note):
        assert note.__name__ == "note_exit_work"

    def run(self, executor, owner):
        assert executor.client is owner.client
        self.done.append("finished")


@pytest.fixture
def worker(monkeypatch):
    """Runs a worker on a client that ends as the test says; returns (exit code, events)."""
    from fake_node import failure

    def run(last):
        tasks, done = ["first", "second"], []

        class Client:
            node_id = b"n" * 16

            @staticmethod
            def note_exit_work():
                pass

            def next_task(self):
                if tasks:
                    return tasks.pop(0)
                if isinstance(last, str):
                    raise failure(last, "it is over")
                raise last

        class Clients:
            @staticmethod
            def adopt_worker(*arguments):
                done.append(arguments[:3])
                return Client()

        class Interrupts:
            def install(self):
                done.append("installed")

        class Executor:
            interrupts = Interrupts()

            def __init__(self, owner, output):
                assert session.current() is owner
                assert owner.mode == session.WORKER_MODE
                self.client = owner.client

            def serve(self):
                while True:
                    done.append(self.client.next_task())

        def end(code):
            raise Ended(code)

        monkeypatch.setattr(worker_main, "Client", Clients)
        monkeypatch.setattr(worker_main, "Executor", Executor)
        monkeypatch.setattr(worker_main, "WorkerOutput", lambda: Output(done))
        monkeypatch.setattr(worker_main, "worker_end", WorkerEnd(done))
        monkeypatch.setattr(os, "_exit", end)
        before = session.peek()
        try:
            with pytest.raises(Ended) as ended:
                worker_main.run(5, 6, 7)
        finally:
            session.set_current(before)
        return ended.value.args[0], done

    return run


def test_runs_tasks_until_the_node_ends_it(worker):
    assert worker("Disconnected") == (
        0,
        [(5, 6, 7), "installed", "first", "second", "finished", "flushed"],
    )


def test_a_broken_connection_is_told(worker, capsys):
    code, done = worker("ProtocolError")
    assert code == 1
    assert "finished" not in done
    assert "it is over" in capsys.readouterr().err


def test_ends_whatever_happens(worker):
    code, done = worker(RuntimeError("bug"))
    assert done[-1] == "flushed"
    assert code == 1


@pytest.mark.parametrize(
    ("code", "expected"), [(None, 0), (0, 0), (3, 3), (-1, 255), (True, 1), ("last words", 1)]
)
def test_a_fork_that_calls_exit(worker, capsys, code, expected):
    ended, done = worker(SystemExit(code))
    assert ended == expected
    assert "finished" not in done, "that is its parent's affair"
    assert ("last words" in capsys.readouterr().err) == (code == "last words")


def test_a_fork_that_comes_to_the_end_of_its_task(worker, capsys):
    assert worker("Forked")[0] == 0
    assert "forked by a task, ends where the task does" in capsys.readouterr().err
