"""What tasks print, as the driver's streams have it. Each test is a program of its own."""

import re

import pytest

BEGIN = """
import os, sys, time, rayx
"""


def lines_of(text, name):
    """The lines with the prefix of a function, without it."""
    return [
        line.split(") ", 1)[1]
        for line in text.splitlines()
        if re.match(rf"\({re.escape(name)} pid=\d+\) ", line)
    ]


def test_prefix_and_stream(run_program):
    out, err = run_program(
        BEGIN
        + """
@rayx.remote
def f():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"raw\\n")
    os.system("echo from a child")
    return os.getpid()

with rayx.init(num_cpus=1):
    # In one piece: between the two pieces of a print, lines of tasks may come.
    sys.stdout.write(f"{rayx.get(f.remote())}\\n")
"""
    )
    pid = re.search(r"^\d+$", out, re.MULTILINE).group()
    assert f"(f pid={pid}) to stdout\n" in out
    assert f"(f pid={pid}) raw\n" in out
    assert f"(f pid={pid}) from a child\n" in out
    assert err == f"(f pid={pid}) to stderr\n"


def test_all_of_it_before_the_end(run_program):
    """The last lines are not lost, whichever way the session ends."""
    for end in ("rayx.shutdown()", "sys.exit()", "pass"):
        out, _ = run_program(
            BEGIN
            + f"""
rayx.init(num_cpus=1)
f = rayx.remote(lambda: print("last words"))
rayx.get(f.remote())
{end}
"""
        )
        assert lines_of(out, "<lambda>") == ["last words"]


def test_partial_lines_and_controls(run_program):
    out, _ = run_program(
        BEGIN
        + """
@rayx.remote
def f():
    sys.stdout.write("no end")

@rayx.remote
def g():
    sys.stdout.write("one\\ntwo\\rthree\\x1b[2Jfour")
    sys.stdout.buffer.write(b"\\n\\xff\\n")

with rayx.init(num_cpus=1):
    rayx.get(f.remote())
    rayx.get(g.remote())
"""
    )
    assert lines_of(out, "f") == ["no end"]
    assert lines_of(out, "g") == ["one", "two", r"three\x1b[2Jfour", "\ufffd"]


def test_a_line_belongs_to_the_task_that_wrote_it(run_program):
    """Two tasks of the same worker, one after the other; hundred times."""
    out, _ = run_program(
        BEGIN
        + """
@rayx.remote
def f(n):
    print(f"f{n}", end="")

@rayx.remote
def g(n):
    print(f"g{n}")

with rayx.init(num_cpus=1):
    ids = []
    for n in range(100):
        ids += [f.remote(n), g.remote(n)]
    rayx.get(ids)
"""
    )
    assert lines_of(out, "f") == [f"f{n}" for n in range(100)]
    assert lines_of(out, "g") == [f"g{n}" for n in range(100)]


def test_bytes_past_the_text_layer(run_program):
    """Nothing else is printed, and no flush is called."""
    out, _ = run_program(
        BEGIN
        + """
with rayx.init(num_cpus=1):
    rayx.get(rayx.remote(lambda: sys.stdout.buffer.write(b"bytes")).remote())
"""
    )
    assert lines_of(out, "<lambda>") == ["bytes"]


def test_a_fork_of_a_task_prints(run_program):
    out, _ = run_program(
        BEGIN
        + """
import multiprocessing
@rayx.remote
def f():
    process = multiprocessing.get_context("fork").Process(target=print, args=("from a fork",))
    process.start()
    process.join()
with rayx.init(num_cpus=1):
    rayx.get(f.remote())
"""
    )
    assert lines_of(out, "f") == ["from a fork"]


def test_ten_thousand_lines(run_program):
    out, _ = run_program(
        BEGIN
        + """
@rayx.remote
def f(n):
    for i in range(2500):
        print(n, i)

with rayx.init(num_cpus=2):
    rayx.get([f.remote(n) for n in range(4)])
"""
    )
    lines = lines_of(out, "f")
    for n in range(4):
        assert [line for line in lines if line.startswith(f"{n} ")] == [
            f"{n} {i}" for i in range(2500)
        ]
    assert len(lines) == 10_000


def test_a_line_of_a_megabyte(run_program):
    out, _ = run_program(
        BEGIN
        + """
with rayx.init(num_cpus=1):
    rayx.get(rayx.remote(lambda: print("x" * 10**6)).remote())
"""
    )
    assert "".join(lines_of(out, "<lambda>")).count("x") == 10**6


def test_a_driver_that_reads_nothing_of_it(run_program):
    """Its stdout is closed: nobody to print for, and no reason to fail."""
    _, err = run_program(
        BEGIN
        + """
with rayx.init(num_cpus=1):
    os.close(1)
    rayx.get(rayx.remote(lambda: print("x" * 10**6)).remote())
    print(rayx.get(rayx.remote(lambda: 5).remote()), file=sys.stderr)
"""
    )
    assert "5\n" in err


@pytest.mark.parametrize("num_return_vals", [1, 2])
def test_an_error_that_is_got_is_not_printed(run_program, num_return_vals):
    out, err = run_program(
        BEGIN
        + f"""
class Mine(ValueError):
    pass

@rayx.remote(num_return_vals={num_return_vals})
def fail(x):
    raise Mine("the only one")

@rayx.remote
def use(*values):
    return values

with rayx.init(num_cpus=2):
    failed = fail.remote(5)
    ids = failed if isinstance(failed, list) else [failed]
    later = use.remote(use.remote(ids[0]))
    for object_id in [*ids, later, later]:
        try:
            rayx.get(object_id)
        except Mine as error:
            print(type(error).__mro__[1].__name__, isinstance(error, rayx.TaskError))
    try:
        rayx.get(use.remote(fail.remote(6) if len(ids) == 1 else fail.remote(6)[1]))
    except Mine as error:
        print(str(error))
"""
    )
    assert out.startswith("TaskError True\n" * (num_return_vals + 2) + "task fail(6) failed (pid=")
    assert err == ""


def test_an_error_that_nobody_asks_for_is_printed(run_program):
    _, err = run_program(
        BEGIN
        + """
with rayx.init(num_cpus=1):
    def f():
        raise RuntimeError("unseen")
    ids = [rayx.remote(f).remote()]
    rayx.wait(ids)
"""
    )
    assert err.count("RuntimeError: unseen") == 1
    assert err.startswith("task f() failed (pid=")
    assert 'raise RuntimeError("unseen")' in err


def test_an_error_whose_id_is_gone_is_printed_soon(start_program):
    program = start_program(
        BEGIN
        + """
rayx.init(num_cpus=1)
def f():
    raise RuntimeError("unseen")
rayx.remote(f).remote()
sys.stdin.readline()
rayx.shutdown()
"""
    )
    line = program.process.stderr.readline()
    assert line.startswith("task f() failed (pid=")
    program.process.stdin.write("\n")
    program.finish()


def test_equal_errors_are_counted(run_program):
    _, err = run_program(
        BEGIN
        + """
@rayx.remote
def fail(x):
    raise ValueError("no")

with rayx.init(num_cpus=2):
    ids = [fail.remote(i) for i in range(50)]
    rayx.wait(ids, num_returns=50)
    try:
        rayx.get(ids)
    except ValueError:
        pass
    ids = [fail.remote(i) for i in range(50)]
    rayx.wait(ids, num_returns=50)
"""
    )
    assert err == "task fail failed 99 more times in the same way: ValueError: no\n"


def test_an_error_that_ends_the_driver(run_program):
    """Python prints it as the exception that it is: the user's line is in it."""
    _, err = run_program(
        BEGIN
        + """
rayx.init(num_cpus=1)
@rayx.remote
def f():
    return [][1]
rayx.get(f.remote())
""",
        exit_code=1,
    )
    assert "IndexError: list index out of range" in err
    assert "return [][1]" in err
    assert "rayx.get(f.remote())" in err


def test_warnings_and_logs_of_tasks(run_program):
    _, err = run_program(
        BEGIN
        + """
import logging, warnings
@rayx.remote
def f():
    logging.warning("a log line")
    warnings.warn("a warning")
with rayx.init(num_cpus=1):
    rayx.get(f.remote())
"""
    )
    assert any("a log line" in line for line in lines_of(err, "f"))
    assert any("a warning" in line for line in lines_of(err, "f"))


def test_a_progress_bar_is_shown_now_and_then_and_in_the_end(run_program):
    """Thousands of states of it would hide all else; the last one is what people look for."""
    out, err = run_program(
        BEGIN
        + """
@rayx.remote
def bar():
    for step in range(1001):
        sys.stderr.write(f"\\r{step / 10:.0f}%")
        sys.stderr.flush()
    sys.stderr.write("\\n")
    print("a\\r\\nb\\r")

@rayx.remote
def unfinished():
    for step in range(501):
        print(f"{step} of 1000", end="\\r", file=sys.stderr)

with rayx.init(num_cpus=1):
    rayx.get(bar.remote())
    rayx.get(unfinished.remote())
"""
    )
    shown = lines_of(err, "bar")
    assert (shown[0], shown[-1]) == ("0%", "100%")
    assert len(shown) < 20
    assert lines_of(out, "bar") == ["a", "b"]
    shown = lines_of(err, "unfinished")
    assert (shown[0], shown[-1]) == ("0 of 1000", "500 of 1000")
    assert len(shown) < 20


def test_records_of_a_task_s_logging(run_program):
    """As the driver has configured it, before or after `init`; unless the task's code does."""
    _, err = run_program(
        BEGIN
        + """
import logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s|%(name)s|%(message)s")

@rayx.remote
def f(text):
    logging.getLogger("mine").info(text)

@rayx.remote
def g(text):
    logging.basicConfig(level=logging.DEBUG, format="own %(message)s")
    logging.getLogger("mine").debug(text)

with rayx.init(num_cpus=1):
    rayx.get(f.remote("one"))
    logging.basicConfig(level=logging.DEBUG, format="%(message)s", force=True)
    logging.getLogger("asyncio").setLevel("WARNING")
    h = rayx.remote(lambda text: logging.getLogger("mine").debug(text))
    rayx.get(h.remote("two"))
    rayx.get(g.remote("three"))
"""
    )
    assert lines_of(err, "f") == ["INFO|mine|one"]
    assert lines_of(err, "<lambda>") == ["two"]
    assert lines_of(err, "g") == ["own three"]
