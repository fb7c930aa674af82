"""Ids that go from node to node, while whoever gives them drops them at once."""

import os

import pytest
from cluster_books import AllBooks
from cluster_machines import Machines
from hosts import refusal
from relayed_cluster import RelayedCluster

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# Of what was dropped, beside the way of the last messages.
GIVEN_BACK_SECONDS = 10.0

# Ways to give an id to a task. The giver has dropped it when `submit` has returned.
PRELUDE = """
import itertools, json, os, pickle, random, sys
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])

# Large ones lie in the pool.
SIZES = {"small": 10, "large": 9_000}
WAYS = ["argument", "in a list", "in a value", "captured"]

def at(place):
    return {"resources": {place: 0.01}}

def made(size, number):
    return np.full(SIZES[size], float(number))

def right(array, size, number):
    return array.shape == (SIZES[size],) and bool((array == number).all())

@rayx.remote
def read(array):
    return array

@rayx.remote
def read_inside(ids):
    return rayx.get(ids[0])

def submit(way, ids, place):
    object_id = ids.pop()
    if way == "argument":
        return read.options(**at(place)).remote(object_id)
    if way == "in a list":
        return read_inside.options(**at(place)).remote([object_id])
    if way == "in a value":
        return read_inside.options(**at(place)).remote(rayx.put([object_id]))
    assert way == "captured"

    @rayx.remote
    def captured():
        return rayx.get(object_id)

    return captured.options(**at(place)).remote()

@rayx.remote
def give(way, places, size, number):
    return [hand(way, [rayx.put(made(size, number))], places)]

@rayx.remote
def pass_on(way, places, ids):
    return [hand(way, ids, places)]

@rayx.remote
def make(size, number):
    return made(size, number)

# What a task at the last of the places has read, in lists as deep as the way was long.
def hand(way, ids, places):
    first, *rest = places
    if not rest:
        return submit(way, ids, first)
    return pass_on.options(**at(first)).remote(way, rest, [ids.pop()])

def value_of(result):
    while not isinstance(result, np.ndarray):
        result = rayx.get(result if isinstance(result, rayx.ObjectID) else result[0], timeout=30)
    return result

def say(what):
    rayx.nodes()  # what waits to be told goes with a question
    print(what, flush=True)
    sys.stdin.readline()
"""

MATRIX = """
ORIGINS = {
    "put by the driver": lambda way, places, *what: hand(
        way, [rayx.put(made(*what))], places),
    "put by a task": lambda *how: give.options(**at("a")).remote(*how),
    "a result": lambda way, places, *what: hand(
        way, [make.options(**at("a")).remote(*what)], places),
}
ROUTES = [["home"], ["a"], ["b"], ["a", "b"], ["b", "home"], ["a", "b", "a"]]

@rayx.remote
def returns(places, *what):
    if places:
        first, *rest = places
        return rayx.get(returns.options(**at(first)).remote(rest, *what))
    return [rayx.put(made(*what))]

@rayx.remote
def echo(ids):
    return ids

def begin(case, *what):
    how, *route = case
    if how == "returned":
        first, *rest = route
        return returns.options(**at(first)).remote(rest, *what)
    if how == "echoed":
        return echo.options(**at(route[0])).remote([rayx.put(made(*what))])
    origin, way = how
    return ORIGINS[origin](way, route, *what)

hows = itertools.product(ORIGINS, WAYS)
cases = [[how, *route] for how in hows for route in ROUTES]
cases += [["returned", *route] for route in ROUTES] + [["echoed", "a"], ["echoed", "home"]]
numbered = [*enumerate(itertools.product(cases, SIZES))]
numbered = random.Random(7).sample(numbered, min(int(sys.argv[2]), len(numbered)))
done = len(numbered)
while numbered:
    some, numbered = numbered[:40], numbered[40:]
    results = [begin(case, size, number) for number, (case, size) in some]
    for number, (case, size) in some:
        try:
            assert right(value_of(results.pop(0)), size, number), "another value"
        except Exception as error:
            raise RuntimeError(f"of {size} size, {case}") from error
say(done)
"""

# Ids are given in a file, by which nobody can say when they are dropped: they stay for as long as
# the program that has pickled them.
TO_FILE = """
ids = []
for number, size in enumerate(SIZES):
    ids += [rayx.put(made(size, number)), make.options(**at("a")).remote(size, number)]
with open(sys.argv[2], "wb") as file:
    pickle.dump(ids, file)
ids.clear()
say("written")
"""

FROM_FILE = """
def ids():
    with open(sys.argv[2], "rb") as file:
        return pickle.load(file)
cases = [*itertools.product(range(4), WAYS, ("home", "a", "b"))]
cases = random.Random(7).sample(cases, min(int(sys.argv[3]), len(cases)))
results = [submit(way, [ids()[number]], place) for number, way, place in cases]
cases += [(number, "by the program") for number in range(4)]
results += ids()
for number, *how in cases:
    assert right(value_of(results.pop(0)), [*SIZES][number // 2], number // 2), (number, how)
say("read")
kept = [ids()[number] for number in range(4)]
say("kept")
assert all(right(value_of(one), [*SIZES][number // 2], number // 2)
           for number, one in enumerate(kept))
kept.clear()
say("dropped")
"""


@pytest.fixture(scope="module", params=["0,0", pytest.param("0,500", marks=pytest.mark.slow)])
def cluster(request):
    """Between home and the others all is delayed by so many milliseconds."""
    with Machines(4) as machines:
        cluster = RelayedCluster(
            machines, ["home", "a", "b"], "--delay", request.param, "--seed", "7"
        )
        cluster.is_slow = request.param != "0,0"
        yield cluster


def start_program(cluster, source, *arguments):
    home = cluster.machines["home"]
    return home.start_program(PRELUDE + source, cluster.head.cluster, *arguments)


@pytest.fixture
def books(cluster):
    with AllBooks(*cluster.sessions) as books:
        yield books


def line_of(program):
    line = program.stdout.readline()
    assert line, program.stderr.read()
    return line


def go_on(program):
    program.stdin.write("\n")
    program.stdin.flush()


def finish(program):
    """Its end, after its last line."""
    _, err = program.communicate(timeout=20)
    assert program.returncode == 0, err


# With delays, so many of the cases; 160 is the check that counts.
HANDOVERS = int(os.environ.get("RAYX_TEST_HANDOVERS", "16"))


@pytest.mark.time_limit(60 + HANDOVERS)
def test_what_is_handed_over_is_there_and_then_nowhere(cluster, books):
    count = HANDOVERS if cluster.is_slow else 160
    program = start_program(cluster, MATRIX, str(count))
    assert line_of(program) == f"{count}\n"
    books.assert_empty(GIVEN_BACK_SECONDS)
    finish(program)


def test_ids_in_a_file_are_there_for_other_programs(cluster, books, tmp_path):
    """Those of the same node."""
    path = str(tmp_path / "ids")
    giver = start_program(cluster, TO_FILE, path)
    assert line_of(giver) == "written\n"
    taker = start_program(cluster, FROM_FILE, path, str(HANDOVERS if cluster.is_slow else 160))
    assert line_of(taker) == "read\n"
    go_on(taker)
    assert line_of(taker) == "kept\n"
    finish(giver)
    go_on(taker)
    assert line_of(taker) == "dropped\n"
    books.assert_empty(GIVEN_BACK_SECONDS)
    finish(taker)


# The guest has the id for a task, or on until some later task; home has all that crosses.
RACE = """
import threading, time

chance = random.Random(5)

@rayx.remote(resources={"a": 0.001})
def takes(ids, seconds):
    # It goes while others are on their way.
    if seconds:
        threading.Timer(seconds, ids.clear).start()

@rayx.remote(resources={"a": 0.001})
def looks(ids):
    return float(rayx.get(ids[0]).sum())

shared = {size: rayx.put(made(size, 3)) for size in SIZES}
passed = 0
deadline = time.monotonic() + float(sys.argv[2])
while passed < int(sys.argv[3]) and time.monotonic() < deadline:
    tasks = [takes.remote([shared[chance.choice([*SIZES])]], chance.choice([0, 0, 0.001, 0.02]))
             for _ in range(chance.choice([1, 2, 5, 100]))]
    rayx.get(tasks, timeout=50)
    passed += len(tasks)
    if chance.random() < 0.1:
        assert rayx.get(looks.remote([shared["small"]]), timeout=50) == 30
print(passed, flush=True)
assert all(right(rayx.get(shared[size]), size, 3) for size in SIZES)
shared.clear()
del tasks
say("dropped")
"""

# So many times an id is passed on; 100,000 is the check that counts.
PASSES = int(os.environ.get("RAYX_TEST_PASSES", "2500"))


@pytest.mark.slow
@pytest.mark.time_limit(60 + PASSES / 200)
def test_an_id_that_comes_and_goes_while_connections_break():
    with Machines(3) as machines:
        cluster = RelayedCluster(machines, ["home", "a"], "--cut", "40000", "--seed", "3")
        with AllBooks(*cluster.sessions) as books:
            program = start_program(cluster, RACE, str(PASSES / 200), str(PASSES))
            assert int(line_of(program)) > PASSES / 10
            assert line_of(program) == "dropped\n"
            books.assert_empty(GIVEN_BACK_SECONDS)
            finish(program)
        assert cluster.end_relays() >= 5
