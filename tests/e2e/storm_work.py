"""Work whose answers are known, for tests that let a storm go over the machines of a cluster.

    work = StormWork(machine, head.cluster)
    ...                                    # the storm
    work.goes_on()
    told = work.end()

Each round is a graph: leaves and sums of pairs on machines that have `far` and on those that have
not, a task that makes tasks, ids that travel inside lists and inside results, an actor that counts,
a stream, and a function that nobody has seen before. All answers are checked where they arrive.
"""

import json

from session_watch import poll_until

#: No answer takes longer, whatever goes on; the program ends with an error if one does.
LONGEST_SECONDS = 60

#: sys.argv: the head's address, and whether nodes die: then what was only there is lost, and a
#: round in which that happens is done again.
PROGRAM = (
    f"""
import collections, json, os, random, sys, threading, time, traceback
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1], driver_mode=rayx.SILENT_MODE)
nodes_die = sys.argv[2] == "nodes die"
longest_seconds = {LONGEST_SECONDS}
"""
    + """
far = {"resources": {"far": 0.1}}
# A node's death costs those that ran there an attempt.
retried = {"max_retries": -1}

@rayx.remote(**retried)
def leaf(seed, i):
    return np.full(20_000, seed * 31 + i)

@rayx.remote(**retried)
def add(a, b):
    return a + b

@rayx.remote(**retried)
def total_of(ids):
    return int(sum(one[-1] for one in rayx.get(ids)))

@rayx.remote(**retried)
def makes(seed):
    leaves = [leaf.remote(seed, i) for i in range(4)] + [far_leaf.remote(seed, i) for i in range(4)]
    return total_of.remote(leaves), leaves[0]

@rayx.remote(num_return_vals="stream", resources={"far": 0.1})
def count(seed):
    for i in range(5):
        yield seed + i

far_leaf, far_add, far_makes = (one.options(**far) for one in (leaf, add, makes))

@rayx.remote(max_restarts=-1, resources={"far": 0.1})
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
        return self.count
    def __rayx_save__(self):
        return self.count
    def __rayx_restore__(self, count):
        self.count = count

told = collections.Counter()
longest = {"round": 0.0, "question": 0.0}
over = threading.Event()

def get(ids):
    return rayx.get(ids, timeout=longest_seconds)

def answers_of(number):
    leaves = [one.remote(number, i) for i in range(4) for one in (leaf, far_leaf)]
    sums = leaves
    while len(sums) > 1:
        how = (add, far_add)[len(sums) % 4 == 0]
        sums = [how.remote(*sums[i:i + 2]) for i in range(0, len(sums), 2)]
    made = (makes, far_makes)[number % 2].remote(number)

    def fresh(x, factor=number, weight=os.urandom(8000)):
        return factor * x

    fresh_answers = rayx.remote(**retried, **far)(fresh).remote(3)
    inner, first = get(made)
    told_total, first_leaf = get([inner, first])
    fine = get(sums[0])
    return [int(fine[0]), int(fine[-1]), told_total, int(first_leaf[7]), get(fresh_answers)]

def expected(number):
    one = 31 * number
    return [8 * one + 12, 8 * one + 12, 8 * one + 12, one, 3 * number]

def redone(what):
    told[what + " done again"] += 1

def do_round(number):
    while True:
        try:
            found = answers_of(number)
        except rayx.ObjectLostError:
            if not nodes_die:
                raise
            redone("graphs")
            continue
        assert found == expected(number), f"{found}, not {expected(number)}"
        break
    if not nodes_die:
        items = [get(item) for item in count.remote(number)]
        assert items == [*range(number, number + 5)], items

counted = 0

def call_counter(counter):
    # What somebody has seen is never forgotten, and nothing counts twice for one call.
    global counted
    calls = [counter.add.remote() for _ in range(3)]
    told["calls"] += len(calls)
    for call in calls:
        try:
            answer = get(call)
        except (rayx.ActorDiedError, rayx.ObjectLostError):
            if not nodes_die:
                raise
            told["calls failed"] += 1
            continue
        assert counted < answer <= told["calls"], f"{answer} after {counted}, {dict(told)}"
        if not nodes_die:
            assert answer == counted + 1, f"{answer} after {counted}"
        counted = answer

def ask():
    while not over.is_set():
        began = time.monotonic()
        try:
            assert rayx.nodes()
            told["questions"] += 1
        except rayx.ControlPlaneUnavailableError:
            told["questions failed"] += 1
        longest["question"] = max(longest["question"], time.monotonic() - began)
        over.wait(0.05)

def work():
    counter = Counter.remote()
    number = 0
    while not over.is_set():
        began = time.monotonic()
        number += 1
        do_round(number)
        call_counter(counter)
        longest["round"] = max(longest["round"], time.monotonic() - began)
        told["rounds"] = number

def guard(what):
    try:
        what()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)

threads = [threading.Thread(target=guard, args=(what,)) for what in (ask, work)]
for thread in threads:
    thread.start()
for line in sys.stdin:
    if line.strip() == "end":
        over.set()
        for thread in threads:
            thread.join()
    print(json.dumps(told | longest), flush=True)
"""
)


class StormWork:
    """The program on a machine. `nodes_die`: nodes with `far` do, with what they have."""

    def __init__(self, machine, cluster, nodes_die=False):
        how = "nodes die" if nodes_die else "no node dies"
        self._program = machine.start_program(PROGRAM, cluster, how)
        self._how = how
        self.goes_on()

    def told(self):
        """What it has done so far: "rounds", "calls", …, and the "longest" of each, in seconds."""
        return self._asked("how far")

    def goes_on(self, rounds=3):
        """Waits until it has done so many more."""
        enough = self.told().get("rounds", 0) + rounds
        poll_until(lambda: self.told().get("rounds", 0) >= enough, LONGEST_SECONDS, "it works")

    def end(self):
        """Lets it end its round, and go; what it tells."""
        told = self._asked("end")
        self._program.stdin.close()
        assert self._program.wait(30) == 0, self._program.stderr.read()
        return told

    def _asked(self, word):
        line = ""
        try:
            self._program.stdin.write(f"{word}\n")
            self._program.stdin.flush()
            line = self._program.stdout.readline()
        except BrokenPipeError:
            pass
        assert line, f"{self._how}: {self._program.stderr.read()}"
        return json.loads(line)
