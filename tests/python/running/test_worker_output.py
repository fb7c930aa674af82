import contextlib
import gc
import io
import os
import sys

from rayx.running.worker_output import WorkerOutput

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


def test_a_stream_that_a_task_closed_is_there_for_the_next():
    with pipes() as (output, out, err):
        print("x", end="")
        with sys.stdout:
            print("in with", end="")
        sys.stdout.close()
        assert os.read(out, 100) == b"xin with"
        print("y", file=sys.stderr)
        assert output.take() is True
        print("next")
        assert os.read(out, 100) == b"next\n"
        sys.stderr.buffer.close()
        print("z", file=sys.stderr)
        assert os.read(err, 100) == b"y\nz\n"


def test_a_stream_that_a_task_wrapped_or_detached_is_there_for_the_next():
    """As programs do that want another encoding; a wrapper that goes closes what it has wrapped."""
    with pipes() as (output, out, _):
        ours = sys.stdout
        for wrapped in (ours.buffer, ours.detach()):
            sys.stdout = io.TextIOWrapper(wrapped, "latin-1", write_through=True)
            print("\xfc")
            sys.stdout = ours
            gc.collect()
            assert os.read(out, 100) == b"\xfc\n"
            print("next")
            assert os.read(out, 100) == b"next\n"
        assert output.take() is True
