"""Control servers die, forget and refuse while a program works (RELIABILITY F9, F10, F12, F13).

Nothing that was acknowledged is lost or done twice, no answer is wrong, and nothing waits for
longer than the server is away and two seconds.
"""

import json
import os
import shutil
import time

import pytest
from control_server import Connection as ControlConnection
from control_server import (
    ServerError,
    admit_tester,
    cut_data,
    data_of,
    empty_data,
    full_disk,
    kill,
    none_started,
    out_of_memory,
    serves,
)
from standing_session import JOIN, StandingSession, rayx_command

# Works until it is told to end. Each round calls functions that nobody has seen before and the
# actor, checks all answers, and has a task fail: what is recorded of that can be counted. Another
# thread asks the tables all the time.
LOAD = (
    JOIN
    + """
import json
import re
rayx.init(redis_address=sys.argv[1], driver_mode=rayx.SILENT_MODE)

@rayx.remote
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
        return self.count

@rayx.remote
def fail(number):
    raise ValueError(f"<{number}>")

def number_of(error):
    return int(re.findall("<([0-9]+)>", error.message)[-1])

counter = Counter.options(name="counter").remote()
done, told = threading.Event(), {"longest": 0, "longest_question": 0, "questions": 0}
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1 << 30
threading.Thread(target=lambda: (sys.stdin.readline(), done.set()), daemon=True).start()

def ask():
    while not done.is_set():
        began = time.monotonic()
        assert [node.alive for node in rayx.nodes()].count(True) <= 1
        told["longest_question"] = max(told["longest_question"], time.monotonic() - began)
        told["questions"] += 1
        done.wait(0.05)

asking = threading.Thread(target=ask)
asking.start()
kept = []
number = 0
while not done.is_set():
    number += 1
    began = time.monotonic()

    def fresh(x, factor=number, weight=os.urandom(8000)):
        return factor * x

    function = rayx.remote(fresh)
    kept = [*kept[-20:], function]
    failing = fail.remote(number)
    large = rayx.put(bytes(1 << 18) + str(number).encode())
    assert rayx.get([function.remote(x) for x in range(20)]) == [number * x for x in range(20)]
    assert rayx.get(counter.add.remote()) == number
    assert rayx.get(large)[1 << 18:] == str(number).encode()
    try:
        rayx.get(failing)
        raise SystemExit("it has not failed")
    except ValueError:
        pass
    told["longest"] = max(told["longest"], time.monotonic() - began)
    print(number, flush=True)
    done.wait(0.02)
asking.join()
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    try:
        recorded = [number_of(error) for error in rayx.error_info()]
    except rayx.ControlPlaneUnavailableError:
        continue
    if recorded[-1:] == [number]:
        break
told["rounds"] = number
told["recorded"] = recorded
told["functions"] = sorted({one._reference.function_id.hex() for one in [fail, *kept]})
print(json.dumps(told), flush=True)
sys.stdin.readline()
"""
)


class Load:
    """The program, beside which a test does its harm."""

    def __init__(self, start_program, session):
        self._program = start_program(LOAD, session.address)
        self.rounds(2)

    def rounds(self, count, seconds=0.0):
        """Waits until it has done so many more rounds, and for so long; how many it has done."""
        until = time.monotonic() + seconds
        done = 0
        while done < count or time.monotonic() < until:
            assert self._program.line().isdecimal(), self._program.finish()
            done += 1
        return done

    def end(self):
        """What it tells at the end; it stays joined until `leave`."""
        self._say("end\n")
        line = self._program.line()
        while line.isdecimal():
            line = self._program.line()
        assert line, self._program.finish()
        return json.loads(line)

    def leave(self):
        self._say("leave\n")
        self._program.finish()

    def _say(self, word):
        self._program.process.stdin.write(word)
        self._program.process.stdin.flush()


def assert_nothing_lost(told, seconds_away=0.0):
    # The newest are kept, each once, in the order in which they came. They are a thousand with
    # their copies, which commands that were sent again have made.
    rounds, kept = told["rounds"], len(told["recorded"])
    assert told["recorded"] == [*range(rounds - kept + 1, rounds + 1)]
    assert kept == rounds or kept > 500
    # Work asks no tables, so it waits for none.
    assert told["longest"] <= 2
    assert told["longest_question"] <= seconds_away + 2
    assert told["questions"] > 0


@pytest.fixture
def three_servers():
    """So that each is killed less often in a row than a session is given up for."""
    session = StandingSession("--num-redis-shards=2")
    yield session
    session.note()
    rayx_command("stop")
    session.assert_gone(0)


@pytest.mark.slow
def test_f9_control_servers_are_killed_ten_times_under_load(three_servers, start_program):
    load = Load(start_program, three_servers)
    node = three_servers.node()
    for number, seconds_away in enumerate([1, 2, 1, 1, 3, 1, 1, 5, 1, 2]):
        with none_started(three_servers):
            kill(three_servers, number % 3, lambda: load.rounds(3))
            load.rounds(1, seconds_away)
        serves(three_servers)
    assert_nothing_lost(load.end(), 5)
    load.leave()
    assert three_servers.node() == node


def cut(session, load):
    """The last 64 KiB that the servers have written are gone."""
    with none_started(session):
        kill_both(session)
        assert max(cut_data(session, number) for number in (0, 1)) > 100_000


def empty(session, load):
    """All of it is gone."""
    with none_started(session):
        kill_both(session)
        for number in (0, 1):
            empty_data(session, number)


def back(session, load):
    """What they have written in the last two seconds is gone."""
    places = [data_of(session, number) for number in (0, 1)]
    for place in places:
        shutil.copytree(place, f"{place}.before")
    load.rounds(1, 2)
    with none_started(session):
        kill_both(session)
        for place in places:
            shutil.rmtree(place)
            os.rename(f"{place}.before", place)


def kill_both(session):
    for number in (0, 1):
        kill(session, number)


@pytest.mark.parametrize("harm", [cut, empty, back])
def test_f10_a_control_server_that_has_lost_writes_is_told_again(standing, start_program, harm):
    load = Load(start_program, standing)
    load.rounds(40)
    before = ControlConnection(standing)
    actors = before.ask("SMEMBERS", "rayx:actors")
    assert len(actors) == 1
    node = before.ask("SMEMBERS", "rayx:nodes")
    harm(standing, load)
    serves(standing)
    load.rounds(5)
    told = load.end()
    assert_nothing_lost(told)
    after = ControlConnection(standing)
    assert after.ask("SMEMBERS", "rayx:actors") == actors
    assert after.ask("SMEMBERS", "rayx:nodes") == node
    assert after.ask("HGETALL", f"rayx:actor:{actors[0]}")
    (driver,) = after.ask("SMEMBERS", "rayx:drivers")
    listed = set(after.ask("SMEMBERS", f"rayx:driver-functions:{driver}"))
    assert set(told["functions"]) <= listed
    held = [ControlConnection(standing, number) for number in (0, 1)]
    for function in told["functions"]:
        assert any(one.ask("EXISTS", f"rayx:function:{function}") for one in held), function
    load.leave()


@pytest.mark.parametrize("harm", [out_of_memory, full_disk])
def test_f12_a_control_server_that_takes_no_writes(standing, start_program, harm):
    load = Load(start_program, standing)
    lift = harm(standing)
    tester = ControlConnection(standing, 0, "tester")
    with pytest.raises(ServerError, match=r"^(OOM|MISCONF) "):
        tester.ask("RPUSH", "rayx:errors:of-the-test", "line")
    node, servers = standing.node(), standing.control_servers()
    load.rounds(20, 1)  # work goes on
    lift()
    load.rounds(5)
    # A read may have to wait for the next attempt to reach the server, a second later.
    assert_nothing_lost(load.end(), 3)
    assert (standing.node(), standing.control_servers()) == (node, servers)
    load.leave()


@pytest.mark.slow
def test_f13_connections_to_control_servers_are_dropped(standing, start_program):
    load = Load(start_program, standing)
    testers = [admit_tester(standing, number) for number in (0, 1)]
    node = standing.node()
    undisturbed = load.rounds(1, 5) / 5
    began = time.monotonic()
    dropped = rounds = 0
    while time.monotonic() < began + 10:
        for tester in testers:
            # So that connections are dropped with commands that the server has not run.
            tester.ask("CLIENT", "PAUSE", "200", "WRITE")
            rounds += load.rounds(2)
            for kind in ("normal", "pubsub"):
                dropped += tester.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        rounds += load.rounds(1, 0.2)
    assert dropped > 50
    assert rounds / (time.monotonic() - began) > undisturbed / 2
    assert_nothing_lost(load.end())
    load.leave()
    assert standing.node() == node
