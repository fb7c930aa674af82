import io
import queue
import sys
import threading

import pytest

from rayx import failure_log, output


class Channel:
    """Gives what the test puts in; answers a drain when told to."""

    def __init__(self, answers=True):
        self.events = queue.Queue()
        self.answers = answers

    def next(self, timeout_ms=-1):
        try:
            event = self.events.get(timeout=None if timeout_ms < 0 else timeout_ms / 1000)
        except queue.Empty:
            return None
        if event is None:
            from fake_node import failure

            raise failure("Disconnected")
        return event

    def drain(self):
        if self.answers:
            self.events.put(("drained", 0, "", "", False, b""))

    def close(self):
        self.events.put(None)


def printed(*events, prints_errors=True):
    channel = Channel()
    printer = output.OutputPrinter(channel, prints_errors)
    for event in events:
        channel.events.put(event)
    printer.start()
    printer.finish()
    assert not printer._thread.is_alive()


def test_lines_get_a_prefix(capsys):
    printed(
        ("lines", 7, "f", "", False, b"one\ntwo"),
        ("lines", 8, "g", "", True, b"err"),
        ("lines", 9, "", "", False, b"nobody"),
        ("lines", 6, "h", "c0ffee00" * 4, False, b"elsewhere"),
    )
    out, err = capsys.readouterr()
    assert (
        out == "(f pid=7) one\n(f pid=7) two\n(pid=9) nobody\n(h pid=6, node=c0ffee00) elsewhere\n"
    )
    assert err == "(g pid=8) err\n"


def test_errors_that_nobody_gets_are_printed_once_or_not_at_all(capsys):
    event = ("failed", 0, "", "", False, b"task f() failed\nValueError")
    printed(event)
    assert capsys.readouterr().err == "task f() failed\nValueError\n"
    printed(event, prints_errors=False)
    assert capsys.readouterr().err == ""


def test_errors_are_printed_when_nothing_else_comes(monkeypatch):
    monkeypatch.setattr(failure_log, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(failure_log, "_DROPPED_SECONDS", 0.05)
    written = threading.Event()
    monkeypatch.setattr(output, "_write", lambda text, is_stderr: written.set())
    printer = output.OutputPrinter(channel := Channel(), True)
    channel.events.put(("failed", 0, "", "", False, b"task f() failed"))
    threads = threading.active_count()
    printer.start()
    assert written.wait(20)
    assert threading.active_count() == threads + 1
    printer.finish()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"a\rb", "(f pid=7) a\n(f pid=7) b\n"),
        (b"a\r\nb", "(f pid=7) a\n(f pid=7) b\n"),
        ("a\u2028b\x0bc".encode(), "(f pid=7) a\n(f pid=7) b\n(f pid=7) c\n"),
        (b"\x1b[1A\x1b[2K(other pid=1) hi", "(f pid=7) \\x1b[1A\\x1b[2K(other pid=1) hi\n"),
        (b"\x08\x08x\x00", "(f pid=7) \\x08\\x08x\\x00\n"),
        (b"\x1b[31mred", "(f pid=7) \x1b[31mred\x1b[0m\n"),
        (b"\x1b[31m\x1b[1A", "(f pid=7) \x1b[31m\\x1b[1A\x1b[0m\n"),
        (b"tab\tstays \xff", "(f pid=7) tab\tstays \ufffd\n"),
        ("\u202egnp".encode(), "(f pid=7) \\u202egnp\n"),
        (b"", "(f pid=7) \n"),
    ],
)
def test_the_prefix_cannot_be_forged(text, shown):
    assert output.prefixed(text, "f", 7) == shown


def test_a_name_cannot_forge_either():
    assert output.prefixed(b"x", "f\n\x1b[2K", 7) == "(f\\n\\x1b[2K pid=7) x\n"


def test_looks_for_the_streams_each_time(monkeypatch):
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", first)
    output._write("a", False)
    monkeypatch.setattr(sys, "stdout", second)
    output._write("b", False)
    assert (first.getvalue(), second.getvalue()) == ("a", "b")


def test_streams_that_cannot_be_written(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stdout", stream)
        output._write("a", False)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    output._write("grüße", False)
    assert raw.getvalue() == b"gr\\xfc\\xdfe"


def test_a_node_that_does_not_answer_delays_but_does_not_stop_the_end(monkeypatch):
    monkeypatch.setattr(output, "_DRAIN_SECONDS", 0.05)
    channel = Channel(answers=False)
    printer = output.OutputPrinter(channel, True)
    printer.start()
    printer.finish()
    assert not printer._thread.is_alive()


def test_a_stdout_nobody_reads_does_not_stop_the_end(monkeypatch):
    monkeypatch.setattr(output, "_DRAIN_SECONDS", 0.05)
    release = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text):
            release.wait()
            return len(text)

    monkeypatch.setattr(sys, "stdout", Stuck())
    channel = Channel()
    printer = output.OutputPrinter(channel, True)
    channel.events.put(("lines", 1, "f", "", False, b"x"))
    printer.start()
    printer.finish()
    assert printer._thread.is_alive()
    assert printer._thread.daemon
    release.set()
    printer._thread.join()
