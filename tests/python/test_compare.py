"""benchmarks/compare.py: what it makes of samples, and how it treats the processes of backends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import compare  # noqa: E402
from peers import backends, floors, markdown, options, peer_python, session_processes  # noqa: E402
from peers.backends.interface import Backend  # noqa: E402
from peers.catalogue import (  # noqa: E402
    LEFTOVERS,
    METRIC_OF,
    METRICS,
    SHUTDOWN,
    STARTUP,
    STEP_OF,
    STEPS,
    metrics_named,
)
from peers.results import Results, Summary, advantage  # noqa: E402
from peers.round_process import Outcome, run_turn  # noqa: E402
from peers.schedule import Turn, steps_of, turns  # noqa: E402
from peers.session_processes import Process  # noqa: E402
from peers.steps import STEPS as MEASUREMENTS  # noqa: E402
from peers.steps.timing import call_times, median_seconds, percentile_us, rate  # noqa: E402

# ---- the catalogue -------------------------------------------------------------------------------


def test_every_metric_has_a_step_that_somebody_measures():
    measured = {*MEASUREMENTS, STARTUP, SHUTDOWN}
    assert {metric.step for metric in METRICS} == measured == set(STEP_OF)
    assert len(METRIC_OF) == len(METRICS)
    assert len(STEP_OF) == len(STEPS)


def test_limits_belong_to_metrics():
    assert set(floors.LIMITS) <= set(METRIC_OF)


def test_metrics_are_found_by_name_and_by_group():
    assert metrics_named([]) == METRICS
    found = metrics_named(["queue", "import_s"])
    assert [m.name for m in found][:2] == ["import_s", "queue_100k_per_s"]
    with pytest.raises(KeyError, match="speed"):
        metrics_named(["import_s", "speed"])


def test_every_backend_has_an_adapter_that_needs_no_library_to_be_made():
    for name in backends.BACKENDS:
        assert isinstance(backends.make(name), Backend)


# ---- figures -------------------------------------------------------------------------------------


def test_summary():
    summary = Summary.of([3.0, 1.0, 2.0])
    assert (summary.median, summary.smallest, summary.largest) == (2.0, 1.0, 3.0)
    assert summary.samples == (3.0, 1.0, 2.0)


def test_advantage_is_more_than_one_when_the_first_is_better():
    assert advantage(20.0, 10.0, "higher") == 2.0
    assert advantage(20.0, 10.0, "lower") == 0.5
    assert advantage(0.0, 10.0, "lower") is None
    assert advantage(1.0, 0.0, "higher") is None


def test_percentiles_and_rate():
    taken = [i / 1e6 for i in range(1, 101)]
    assert percentile_us(taken, 50) == pytest.approx(50)
    assert percentile_us(taken, 99) == pytest.approx(99)
    assert percentile_us([1e-6], 99) == pytest.approx(1)
    assert rate([0.25, 0.75]) == 2.0


def test_a_median_is_taken_of_one_run_if_there_is_no_time_for_more():
    runs = []
    median_seconds(lambda: runs.append(1), times=3, budget_s=60)
    assert len(runs) == 3
    median_seconds(lambda: runs.append(1), times=3, budget_s=0)
    assert len(runs) == 4


def test_call_times_stop_at_their_number_or_at_their_budget():
    assert len(call_times(lambda: None, times=7, budget_s=60)) == 7
    assert len(call_times(lambda: None, times=7, budget_s=0)) == 1


# ---- the schedule --------------------------------------------------------------------------------


def test_rounds_are_interleaved():
    metrics = metrics_named(["put_small_per_s", "queue_100k_per_s"])
    got = [(t.round_number, t.group, t.backend) for t in turns(2, ["a", "b"], metrics)]
    one = [("queue", "a"), ("queue", "b"), ("objects", "a"), ("objects", "b")]
    assert got == [(number, *turn) for number in (1, 2) for turn in one]


def test_a_group_has_the_steps_that_its_metrics_need():
    metrics = metrics_named(["task_sync_p50_us", "task_sync_p99_us", "wait_1k_refs_s"])
    assert steps_of("tasks", metrics) == (STARTUP, "task_sync", "wait_1k", SHUTDOWN)
    assert steps_of("arrays", metrics) == ()
    assert steps_of("session", metrics_named(["idle_procs"])) == (STARTUP, "idle", SHUTDOWN)


# ---- results -------------------------------------------------------------------------------------


def turn_of(backend, group="tasks", steps=(STARTUP, "task_sync", SHUTDOWN), round_number=1):
    return Turn(round_number, group, backend, steps)


def results_of(names, metrics=("task_sync_per_s", "init_s", LEFTOVERS)):
    return Results(list(names), metrics_named(list(metrics)))


def test_samples_count_in_the_group_of_their_step():
    results = results_of(["rayx"])
    figures = {"task_sync_per_s": 5.0, "init_s": 1.0, "task_sync_p50_us": 2.0, LEFTOVERS: 3}
    results.add(turn_of("rayx"), Outcome(figures=figures))
    assert results.samples == {("task_sync_per_s", "rayx"): [5.0], (LEFTOVERS, "rayx"): [3]}
    results.add(turn_of("rayx", group="session"), Outcome(figures=figures))
    assert results.samples["init_s", "rayx"] == [1.0]


def test_what_failed_or_is_not_offered_is_not_tried_again():
    results = results_of(["pool"], ["tasks"])
    turn = turn_of("pool", steps=(STARTUP, "task_sync", "nested", "wait_1k", SHUTDOWN))
    assert results.steps_left(turn) == turn.steps
    results.add(turn, Outcome(failures={"wait_1k": "slow"}, not_offered={"nested": "no"}))
    assert results.steps_left(turn) == (STARTUP, "task_sync", SHUTDOWN)
    results.add(turn, Outcome(not_offered={"task_sync": "no"}))
    assert results.steps_left(turn) == ()
    assert results.steps_left(turn_of("mp")) == (STARTUP, "task_sync", SHUTDOWN)
    results.add(turn_of("mp"), Outcome(failures={STARTUP: "no"}))
    assert results.steps_left(turn_of("mp")) == ()
    assert [results.absence(m, "pool") for m in metrics_named(["nested_task_per_s"])] == [
        "not offered"
    ]
    assert results.absence(METRIC_OF["wait_1k_refs_s"], "pool") == "failed"
    assert results.absence(METRIC_OF["task_sync_per_s"], "mp") == "failed"


def test_json_has_samples_ratios_and_failures():
    results = results_of(["rayx", "ray"])
    for backend, figure in (("rayx", 30.0), ("ray", 10.0)):
        results.add(turn_of(backend), Outcome(figures={"task_sync_per_s": figure}))
    results.add(turn_of("ray"), Outcome(failures={"nested": "slow"}))
    told = json.loads(json.dumps(results.as_json()))
    figures = told["metrics"]["task_sync_per_s"]["backends"]
    assert figures["ray"] == {
        "median": 10.0,
        "min": 10.0,
        "max": 10.0,
        "samples": [10.0],
        "rayx_is_better_by": 3.0,
    }
    assert "rayx_is_better_by" not in figures["rayx"]
    assert told["failures"] == {"ray": {"nested": "slow"}}


def test_what_tells_of_the_machine_has_no_ratio():
    results = results_of(["rayx", "ray"], ["arrays"])
    for backend in results.backends:
        figures = {"memcpy_gb_per_s": 7.0, "put_100m_gb_per_s": 7.0}
        results.add(turn_of(backend, group="arrays"), Outcome(figures=figures))
    assert results.ratio(METRIC_OF["put_100m_gb_per_s"], "ray") == 1.0
    assert results.ratio(METRIC_OF["memcpy_gb_per_s"], "ray") is None


# ---- limits --------------------------------------------------------------------------------------


def test_the_best_round_is_the_limit():
    samples = {"copy_warm_gb_per_s": [5.0, 7.0], "unix_2hop_same_cpu_p50_us": [20.0, 10.0]}
    best = floors.best_of(samples)
    assert best == {"copy_warm_gb_per_s": 7.0, "unix_2hop_same_cpu_p50_us": 10.0}
    assert floors.limit_of("task_sync_per_s", best, 2) == (
        1e5,
        "2 socket hops and back, on one CPU",
    )
    assert floors.limit_of("tree_reduce_s", best, 2) is None
    assert floors.limit_of("import_s", best, 2) is None


# ---- the tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.012345, "0.0123"), (4.5678, "4.57"), (123.4, "123"), (45678.9, "45,679")],
)
def test_numbers(value, text):
    assert markdown.number(value) == text


def test_cells_have_a_range_if_there_were_several_rounds():
    assert markdown.cell(Summary.of([2.0])) == "2"
    assert markdown.cell(Summary.of([2.0, 1.0, 4.0])) == "2 [1..4]"


def test_bars_in_a_table_are_escaped():
    assert markdown.table([["a", "b"], ["1|2", "3"]]) == "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |"


def test_report():
    results = results_of(["rayx", "pool"], ["task_sync_per_s", "nested_task_per_s"])
    for number, (ours, theirs) in enumerate([(20.0, 10.0), (30.0, 10.0), (40.0, 12.0)], 1):
        rayx = turn_of("rayx", round_number=number)
        results.add(rayx, Outcome(figures={"task_sync_per_s": ours}))
        results.add(
            turn_of("pool", round_number=number),
            Outcome(
                figures={"task_sync_per_s": theirs},
                about={"version": "", "python": "3.11.7"},
                not_offered={"nested": "no"},
                others_cpu_pct={"task_sync": 50.0},
            ),
        )
    results.add(turn_of("rayx"), Outcome(failures={"nested": "ended\nbadly"}))
    results.limits["unix_2hop_same_cpu_p50_us"] = [10.0]
    report = markdown.render(results, 2, "compare", "2 CPUs")
    assert "| metric | rayx | pool | limit | limit stands on |" in report
    limit = "100,000 | 2 socket hops and back, on one CPU |"
    assert f"| task_sync_per_s ↑ | 30 [20..40] | 10 [10..12] | {limit}" in report
    assert "| nested_task_per_s ↑ | failed | not offered |  |  |" in report
    assert "| task_sync_per_s | 3x |" in report
    assert "Backends: rayx, pool (Python 3.11.7)." in report
    assert "- rayx, nested: ended badly" in report
    assert "Other processes took 50% of the CPUs" in report


# ---- the command line ----------------------------------------------------------------------------


def test_defaults():
    chosen = options.parse([])
    assert (chosen.rounds, chosen.backends, chosen.time_limit_s) == (5, [], None)
    assert chosen.metrics == METRICS
    assert chosen.num_cpus == os.cpu_count()
    assert set(chosen.pythons) == set(backends.BACKENDS)
    assert set(chosen.pythons.values()) == {sys.executable}


def test_arguments(tmp_path):
    program = tmp_path / "rayx-limits"
    program.write_text("")
    line = "--rounds 2 --metrics init_s,queue --backends rayx,ray --num-cpus 3 --time-limit 1.5"
    chosen = options.parse(
        [*line.split(), "--python", f"ray={sys.executable}", "--limits", str(program)]
    )
    assert (chosen.rounds, chosen.num_cpus, chosen.time_limit_s) == (2, 3, 1.5)
    assert chosen.backends == ["rayx", "ray"]
    assert [m.name for m in chosen.metrics][:2] == ["init_s", "queue_100k_per_s"]
    assert chosen.limits == program


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("--rounds 0", "less than 1"),
        ("--metrics speed", "no metric or group is called 'speed'"),
        ("--backends spark", "no backend is called 'spark'"),
        ("--python ray", "write BACKEND=PATH"),
        ("--python spark=/bin/true", "write BACKEND=PATH"),
        ("--python ray=/nowhere/python", "there is no program /nowhere/python"),
        ("--limits /nowhere/limits", "there is no program /nowhere/limits"),
    ],
)
def test_arguments_that_make_no_sense(line, why, capsys):
    with pytest.raises(SystemExit) as ended:
        options.parse(line.split())
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_the_newest_build_of_the_limits_is_taken(tmp_path):
    assert options.find_limits(tmp_path) is None
    for age, place in enumerate(["build/limits/rayx-limits", "build/editable/limits/rayx-limits"]):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("")
        os.utime(tmp_path / place, (1000 - age, 1000 - age))
    assert options.find_limits(tmp_path) == tmp_path / "build/limits/rayx-limits"


def test_listing():
    text = compare.listing(["pool"], {"ray": "ray not installed"})
    for metric in METRICS:
        assert metric.name in text
    assert "ray not installed" in text


def test_backends_whose_library_is_missing_are_left_out():
    pythons = dict.fromkeys(backends.BACKENDS, sys.executable)
    chosen, refused = peer_python.select(["pool"], pythons)
    assert (chosen, refused) == (["pool"], {})
    assert peer_python.missing("pool", "/bin/false") == ["numpy"]
    chosen, refused = peer_python.select(["ray"], {"ray": "/bin/false"})
    assert chosen == []
    assert "--python ray=PATH" in refused["ray"]


# ---- the processes of backends -------------------------------------------------------------------

# Reports as measure_round does. What it does in a step is told by `behaviour`.
FAKE = """
import json, os, signal, subprocess, sys
reports = os.fdopen(int(sys.argv[1]), "w", buffering=1)
behaviour = json.loads(sys.argv[2])
def tell(event, **fields):
    reports.write(json.dumps({"event": event, **fields}) + "\\n")
for step in sys.argv[3:]:
    tell("step", step=step)
    try:
        exec(behaviour.get(step, "pass"))
    except StopIteration:
        continue
    figures = {step: os.getpid()}
    tell("figures", step=step, figures=figures, others_cpu_pct=None, processes=[])
tell("done")
"""
LIMIT_S = 3.0  # enough for a process to start on a busy machine


def fake(behaviour):
    def command(steps, report_fd):
        head = [sys.executable, "-I", "-S", "-c", FAKE, str(report_fd)]
        return [*head, json.dumps(behaviour), *steps]

    return command


ALL = (STARTUP, "task_sync", "task_async", SHUTDOWN)


def test_a_turn_collects_what_its_process_reports():
    behaviour = {
        STARTUP: "tell('about', version='1')",
        "task_async": "tell('not_offered', step=step, reason='never'); raise StopIteration",
    }
    outcome = run_turn(fake(behaviour), ALL)
    assert set(outcome.figures) == {STARTUP, "task_sync", SHUTDOWN, LEFTOVERS}
    assert outcome.figures[LEFTOVERS] == 0
    assert outcome.about == {"version": "1"}
    assert outcome.not_offered == {"task_async": "never"}
    assert outcome.failures == {}


def test_an_error_costs_only_its_step():
    behaviour = {
        "task_sync": "tell('error', step=step, error='ValueError: no'); raise StopIteration"
    }
    outcome = run_turn(fake(behaviour), ALL)
    assert outcome.failures == {"task_sync": "ValueError: no"}
    assert set(outcome.figures) == {STARTUP, "task_async", SHUTDOWN, LEFTOVERS}


def test_a_crash_costs_only_its_step():
    behaviour = {"task_sync": "print('oh no', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"}
    outcome = run_turn(fake(behaviour), ALL)
    assert outcome.failures == {"task_sync": "ended with SIGSEGV: oh no"}
    # Both in a second process.
    assert outcome.figures["task_async"] == outcome.figures[STARTUP]


def test_a_process_that_dies_between_steps_is_not_started_for_ever():
    dies = "tell('figures', step=step, figures={}, others_cpu_pct=None, processes=[]); os._exit(3)"
    outcome = run_turn(fake({STARTUP: dies}), ALL)
    assert set(outcome.failures) == {"task_sync", "task_async"}
    assert outcome.failures["task_sync"] == "ended with exit code 3: no output"


def test_a_step_that_takes_too_long_is_ended_with_all_its_processes(tmp_path):
    pids = tmp_path / "pids"
    behaviour = {
        "task_sync": f"""
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"],
                         start_new_session=True)
open({str(pids)!r}, "w").write(str(child.pid))
signal.pause()"""
    }
    outcome = run_turn(fake(behaviour), ALL, time_limit_s=LIMIT_S)
    assert outcome.failures == {"task_sync": "no result within 3 s"}
    assert "task_async" in outcome.figures
    assert is_gone(int(pids.read_text()))


def test_no_step_is_tried_if_the_session_does_not_start():
    outcome = run_turn(fake({STARTUP: "tell('error', step=step, error='no'); sys.exit(1)"}), ALL)
    assert outcome.failures == {STARTUP: "no"}
    assert outcome.figures == {}


def test_leftovers_are_counted_and_ended(tmp_path):
    pids = tmp_path / "pids"
    # As daemons do: out of the process group, and no child of anybody.
    behaviour = {
        "task_sync": f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open({str(pids)!r}, "w").write(str(os.getpid()))
        signal.pause()
    os._exit(0)
while not os.path.exists({str(pids)!r}) or not open({str(pids)!r}).read():
    pass"""
    }
    outcome = run_turn(fake(behaviour), ALL)
    assert outcome.figures[LEFTOVERS] == 1
    assert is_gone(int(pids.read_text()))


def is_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_processes_are_known_by_mark_and_descent():
    mark = session_processes.new_mark()
    read_fd, write_fd = os.pipe()
    # The child has the mark, the grandchild an empty environment.
    program = (
        "import os, signal, sys\n"
        "if os.fork() == 0:\n"
        "    rest = 'import os, signal; os.write(%d, b\"x\"); signal.pause()' % int(sys.argv[1])\n"
        "    os.execve(sys.executable, [sys.executable, '-I', '-S', '-c', rest], {})\n"
        "signal.pause()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program, str(write_fd)],
        env={**os.environ, session_processes.MARK: mark},
        pass_fds=[write_fd],
    )
    try:
        assert os.read(read_fd, 1) == b"x"
        found = session_processes.find(mark)
        assert len(found) == 2
        assert child.pid in {process.pid for process in found}
        assert session_processes.pss_bytes(found) > 1 << 20
        assert session_processes.cpu_seconds(found) >= 0
        assert 0 < session_processes.running_seconds(found) < 60
        session_processes.end(found)
        assert session_processes.alive(found) == []
    finally:
        child.kill()
        child.wait()
        os.close(read_fd)
        os.close(write_fd)


def test_a_pid_given_away_again_is_another_process():
    assert session_processes.alive([Process(os.getpid(), 0)]) == []


# ---- one real turn -------------------------------------------------------------------------------


def test_a_process_pool_is_measured():
    pytest.importorskip("numpy")
    chosen = options.parse(["--num-cpus", "2"])
    steps = (STARTUP, "get_small", "wait_1k", "numpy_ret", SHUTDOWN)
    command = compare.round_command(chosen, "pool")
    outcome = run_turn(command, steps, environment={"PYTHONPATH": compare.python_path()})
    assert outcome.failures == {}
    assert outcome.not_offered == {"get_small": "no object store"}
    wanted = {"import_s", "init_s", "wait_1k_refs_s", "numpy_ret_1m_per_s", "shutdown_s"}
    assert set(outcome.figures) == {*wanted, LEFTOVERS}
    assert all(outcome.figures[name] > 0 for name in wanted)
    assert outcome.figures[LEFTOVERS] == 0
    assert outcome.about["python"]
