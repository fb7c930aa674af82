import asyncio
import io
import logging

import pytest

from rayx.running import broad_handlers


class Interruption(Exception):
    pass


@pytest.fixture(autouse=True)
def passing(monkeypatch):
    """As in a worker that is about to interrupt its task; undone behind each test."""
    monkeypatch.setattr(logging.Handler, "handleError", logging.Handler.handleError)
    loop = asyncio.BaseEventLoop
    monkeypatch.setattr(loop, "call_exception_handler", loop.call_exception_handler)
    monkeypatch.setattr(broad_handlers, "_done", set())
    broad_handlers.let_pass(lambda error: type(error) is Interruption)


class Stream(io.StringIO):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def write(self, text):
        raise self.kind("in the midst of it")


def log_to(kind):
    logger = logging.Logger("of this test")
    logger.addHandler(logging.StreamHandler(Stream(kind)))
    logger.warning("a word")


def test_through_handlers_of_logs(capsys):
    with pytest.raises(Interruption, match="in the midst of it"):
        log_to(Interruption)
    log_to(ValueError)
    assert "--- Logging error ---" in capsys.readouterr().err


def test_through_callbacks_of_event_loops(caplog):
    loop = asyncio.new_event_loop()

    def fail(kind):
        raise kind("in the midst of it")

    try:
        loop.call_soon(fail, ValueError)
        loop.call_soon(fail, Interruption)
        with pytest.raises(Interruption, match="in the midst of it"):
            loop.run_forever()
    finally:
        loop.close()
    (record,) = caplog.records
    assert record.exc_info[0] is ValueError


def test_once():
    before = logging.Handler.handleError
    broad_handlers.let_pass(lambda error: True)
    assert logging.Handler.handleError is before


def test_what_is_raised_again_keeps_nothing():
    with pytest.raises(Interruption) as caught:
        log_to(Interruption)
    frames = [entry.frame for entry in caught.traceback]
    assert not any(isinstance(frame.f_locals.get("error"), Interruption) for frame in frames)
