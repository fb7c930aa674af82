"""A cluster of several nodes on one machine, beside ray's `cluster_utils`.

    python benchmarks/cluster.py --rounds 3 --ray ray/bin/python

Runs each backend in a process of its own, in turn, and prints a line a metric: the medians of the
rounds, with the smallest and the largest, and how many times faster rayx is. `--ray` names a Python
that has ray; without it rayx is measured alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

# What each metric is, and whether more of it is better.
METRICS = {
    "up_s": ("four nodes are up", False),
    "joined_useful_s": ("a node joins, and has run the first task that only it can run", False),
    "round_trip_us": ("a task on another node and its result, one after the other; median", False),
    "round_trip_p99_us": ("the same, 99th percentile", False),
    "elsewhere_per_s": ("10,000 tasks at once that only other nodes can run", True),
    "result_1mib_us": ("a result of 1 MiB from another node; median", False),
    "argument_gb_per_s": ("an array of 100 MiB that a task on another node needs", True),
    "needed_elsewhere_gb_per_s": (
        "one that was made on another node, and is needed on a third",
        True,
    ),
    "broadcast_s": ("an array of 100 MiB that tasks on three other nodes need", False),
    "actor_call_us": ("a call of an actor on another node, one after the other; median", False),
    "actor_calls_per_s": ("10,000 calls of it at once", True),
    "call_beside_us": ("a call of it by a task on its node, one after the other; median", False),
    "actors_s": ("so many actors (--actors) on all nodes are made, and called once each", False),
    "death_s": ("a node of three dies with 100 tasks of 50 ms under way: all are done", False),
}


class Rayx:
    def __init__(self):
        import rayx
        from rayx.cluster import Cluster

        self.api = rayx
        self.make = Cluster

    def up(self, nodes):
        self.cluster = self.make(nodes=nodes)
        return self.cluster

    def connect(self):
        self.api.init(redis_address=self.cluster.redis_address)

    def add(self, **node):
        return self.cluster.add_node(**node)

    def kill(self, node):
        node.kill()

    def nodes(self):
        return self.cluster.nodes

    def down(self):
        self.api.shutdown()
        self.cluster.shutdown()


class Ray:
    def __init__(self):
        import ray
        from ray.cluster_utils import Cluster

        self.api = ray
        self.make = Cluster

    def up(self, nodes):
        self.cluster = self.make(initialize_head=True, head_node_args=nodes[0])
        self.added = [self.cluster.add_node(**node) for node in nodes[1:]]
        self.cluster.wait_for_nodes()

    def connect(self):
        self.api.init(address=self.cluster.address, logging_level="ERROR", log_to_driver=False)

    def add(self, **node):
        return self.cluster.add_node(**node)

    def kill(self, node):
        self.cluster.remove_node(node, allow_graceful=False)

    def nodes(self):
        return [self.cluster.head_node, *self.added]

    def down(self):
        self.api.shutdown()
        self.cluster.shutdown()


def timed(act):
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def measure_values(api, told):
    """Of large ones; rounds that follow each other do not find what those before them moved."""
    import numpy

    size = 100 << 20

    @api.remote
    def last(array):
        return int(array[-1])

    @api.remote
    def made():
        return numpy.ones(size, dtype=numpy.uint8)

    def at(function, number):
        return function.options(resources={f"there{number}": 0.01})

    def moved(begin, numbers):
        object_id = begin()
        api.wait([object_id])
        return timed(lambda: api.get([at(last, number).remote(object_id) for number in numbers]))

    def put():
        return api.put(numpy.ones(size, dtype=numpy.uint8))

    def median(*how):
        moved(*how)  # pools touch their memory
        return statistics.median(moved(*how) for _ in range(5))

    told["argument_gb_per_s"] = size / median(put, [0]) / 1e9
    told["needed_elsewhere_gb_per_s"] = size / median(lambda: at(made, 1).remote(), [2]) / 1e9
    told["broadcast_s"] = median(put, [0, 1, 2])


def measure_actors(api, told, count):
    @api.remote
    class Counter:
        def __init__(self):
            self.count = 0

        def add(self):
            self.count += 1
            return self.count

    def medians(counter):
        api.get(counter.add.remote())
        return statistics.median(timed(lambda: api.get(counter.add.remote())) for _ in range(1000))

    # ray's actors hold a processor if they ask for anything else.
    there = {"num_cpus": 0, "resources": {"there0": 0.01}}
    counter = Counter.options(**there).remote()
    told["actor_call_us"] = medians(counter) * 1e6
    told["actor_calls_per_s"] = 10_000 / timed(
        lambda: api.get([counter.add.remote() for _ in range(10_000)])
    )
    beside = api.remote(**there)(medians)
    told["call_beside_us"] = api.get(beside.remote(counter)) * 1e6

    def make():
        # Nodes of which each has a fourth.
        kinds = [{}, *({"resources": {f"there{i}": 1 / count}} for i in range(3))]
        kinds = [{"num_cpus": 0} | kind for kind in kinds]
        counters = [Counter.options(**kinds[i % 4]).remote() for i in range(count)]
        api.get([one.add.remote() for one in counters])

    told["actors_s"] = timed(make)


def measure(backend, actors):
    told = {}
    store = {"num_cpus": 1, "object_store_memory": 500 << 20}
    others = [{**store, "resources": {"there": 1000, f"there{i}": 1}} for i in range(3)]
    told["up_s"] = timed(lambda: backend.up([store, *others]))
    backend.connect()
    api = backend.api

    @api.remote(resources={"there": 0.001})
    def nothing():
        return None

    @api.remote(resources={"there": 0.001})
    def megabyte():
        return b"x" * (1 << 20)

    @api.remote(resources={"late": 1})
    def late():
        return None

    @api.remote(max_retries=3)
    def sleep(seconds):
        time.sleep(seconds)

    api.get([nothing.remote() for _ in range(200)])

    def each(function, count):
        return sorted(timed(lambda: api.get(function.remote())) for _ in range(count))

    trips = each(nothing, 1000)
    told["round_trip_us"] = trips[500] * 1e6
    told["round_trip_p99_us"] = trips[990] * 1e6
    told["elsewhere_per_s"] = 10_000 / timed(
        lambda: api.get([nothing.remote() for _ in range(10_000)])
    )
    told["result_1mib_us"] = each(megabyte, 50)[25] * 1e6

    measure_values(api, told)
    measure_actors(api, told, actors)

    def join():
        backend.add(num_cpus=1, resources={"late": 1})
        api.get(late.remote())

    told["joined_useful_s"] = timed(join)

    def die():
        tasks = [sleep.remote(0.05) for _ in range(100)]
        time.sleep(0.2)  # some have ended, and all nodes have some
        backend.kill(backend.nodes()[1])
        api.get(tasks)

    told["death_s"] = timed(die)
    backend.down()
    return told


def run(python, name, actors):
    command = [python, os.path.abspath(__file__), "--backend", name, "--actors", str(actors)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def text_of(values):
    middle = statistics.median(values)
    return f"{middle:,.4g} [{min(values):,.4g}..{max(values):,.4g}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ray", help="a Python that has ray")
    parser.add_argument("--actors", type=int, default=40)
    parser.add_argument("--backend", choices=["rayx", "ray"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.backend:
        backend = Rayx() if options.backend == "rayx" else Ray()
        print(json.dumps(measure(backend, options.actors)))
        return
    pythons = {"rayx": sys.executable} | ({"ray": options.ray} if options.ray else {})
    told = {name: [] for name in pythons}
    for _ in range(options.rounds):
        for name, python in pythons.items():
            told[name].append(run(python, name, options.actors))
    for metric, (words, more_is_better) in METRICS.items():
        values = {name: [one[metric] for one in rounds] for name, rounds in told.items()}
        line = f"{metric:18} rayx {text_of(values['rayx'])}"
        if "ray" in values:
            ratio = statistics.median(values["ray"]) / statistics.median(values["rayx"])
            ratio = 1 / ratio if more_is_better else ratio
            line += f"  ray {text_of(values['ray'])}  {ratio:.1f} times"
        print(f"{line}  ({words})")


if __name__ == "__main__":
    main()
