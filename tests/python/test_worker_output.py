import contextlib
import os
import sys

from rayx.worker_output import WorkerOutput

NAMES = ("stdout", "stderr", "__stdout__", "__stderr__")


@contextlib.contextmanager
def pipes():
    """Not a fixture, since pytest has streams of its own in place of these between fixtures."""
    before = {name: getattr(sys, name) for name in NAMES}
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    output = WorkerOutput()
    output.install(out_write, err_write)
    try:
        yield output, out_read, err_read
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)
    for fd in (out_read, out_write, err_read, err_write):
        os.close(fd)


def test_notes_what_is_written():
    with pipes() as (output, out, err):
        assert output.take() is False
        print("line")
        assert os.read(out, 100) == b"line\n"  # at once, since it is a line
        assert output.take() is True
        assert output.take() is False
        print("half", end="", file=sys.stderr)
        assert output.take() is True
        assert os.read(err, 100) == b"half"


def test_any_text_can_be_written():
    with pipes() as (output, out, _):
        print("\ud800 grüße")
        assert os.read(out, 100) == "\\ud800 grüße\n".encode()


def test_a_stream_that_the_task_closed():
    with pipes() as (output, _, err):
        print("x", end="")
        sys.stdout.close()
        print("y", file=sys.stderr)
        assert output.take() is True
        assert os.read(err, 100) == b"y\n"


def test_meets_the_node_once_before_the_first_word_of_each_task():
    with pipes() as (output, out, _):
        met = []
        output.meet_node = lambda: met.append(len(met))
        for times in (1, 2):
            print("half", end="")
            print("more", file=sys.stderr)
            assert len(met) == times
            assert output.take() is True
            assert os.read(out, 100) == b"half"


def test_notes_bytes_too():
    with pipes() as (output, out, _):
        sys.stdout.buffer.write(b"bytes")
        assert output.take() is True
        assert os.read(out, 100) == b"bytes"
