"""The code blocks of the reference's chapter *The Ray API*, as printed but for `rayx`."""

import inspect
import time

import numpy as np
import pytest

import rayx


class TestInit:
    """Starting Ray. Each block is a session of its own."""

    @pytest.fixture(autouse=True)
    def end_session(self):
        yield
        rayx.shutdown()

    def test_without_arguments(self, interactive):
        interactive("rayx.init()")
        assert rayx.cluster_resources()["CPU"] >= 1
        assert rayx.cluster_resources().get("GPU", 0) == 0

    def test_cpus_and_gpus(self, interactive):
        interactive("rayx.init(num_cpus=20, num_gpus=2)")
        assert rayx.cluster_resources() == {"CPU": 20, "GPU": 2}

    def test_an_existing_cluster(self, interactive):
        with pytest.raises(rayx.StartError, match=r"12\.345\.67\.89:6379"):
            interactive('rayx.init(redis_address="12.345.67.89:6379")')
        assert not rayx.is_initialized()

    def test_a_session_of_this_machine(self, interactive, start_program):
        """As the reference has it, with the address that `init` returns in the other program."""
        owner = start_program("""
import sys
import rayx
print(rayx.init(num_cpus=1)["redis_address"], flush=True)
sys.stdin.readline()
""")
        interactive("rayx.init(redis_address=address)", address=owner.line())
        assert rayx.get(rayx.put(1)) == 1
        rayx.shutdown()

    def test_all_arguments(self, interactive):
        """The signature, each with its default; where modes have names, by their names."""
        (addresses,) = interactive("""
rayx.init(redis_address=None, node_ip_address=None, object_id_seed=None, num_workers=None,
         driver_mode=0, redirect_output=False, num_cpus=None, num_gpus=None,
         num_redis_shards=None)
""")
        assert addresses["redis_sockets"]
        names = list(inspect.signature(rayx.init).parameters)
        assert names[:9] == [
            "redis_address",
            "node_ip_address",
            "object_id_seed",
            "num_workers",
            "driver_mode",
            "redirect_output",
            "num_cpus",
            "num_gpus",
            "num_redis_shards",
        ]
        assert rayx.SCRIPT_MODE == 0

    def test_a_seed_gives_the_same_ids_again(self):
        def ids():
            with rayx.init(num_cpus=1, object_id_seed=7):
                f = rayx.remote(lambda: 1)
                return [rayx.put(1), f.remote(), rayx.put(2)]

        assert ids() == ids()


@pytest.fixture(scope="class")
def session():
    """Five CPUs, so that the five tasks of a block run side by side."""
    with rayx.init(num_cpus=5, num_workers=2):
        yield


@pytest.mark.usefixtures("session")
class TestBlocks:
    """All others share one session."""

    def test_defining_remote_functions(self, interactive):
        assert interactive("""
@rayx.remote
def f(x):
    return x + 1

x_id = f.remote(0)
rayx.get(x_id) # 1

y_id = f.remote(x_id)
rayx.get(y_id) # 2
""") == [1, 2]

    def test_num_return_vals(self, interactive):
        assert interactive("""
@rayx.remote(num_return_vals=2)
def f():
    return 1, 2

x_id, y_id = f.remote()
rayx.get(x_id) # 1
rayx.get(y_id) # 2
""") == [1, 2]

    def test_getting_values(self, interactive):
        assert interactive("""
@rayx.remote
def f():
    return {'key1': ['value']}

# Get one object ID.
rayx.get(f.remote()) # {'key1': ['value']}
# Get a list of object IDs.
rayx.get([f.remote() for _ in range(2)]) # [{'key1': ['value']}, {'key1': ['value']}]
""") == [{"key1": ["value"]}, [{"key1": ["value"]}, {"key1": ["value"]}]]

    def test_arrays_must_be_copied_to_be_changed(self, interactive):
        array = interactive("""
import numpy as np

@rayx.remote
def f():
    return np.zeros(10)

rayx.get(f.remote())
""")[-1]
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        copy = array.copy()
        copy[0] = 1
        assert copy.sum() == 1

    def test_putting_objects(self, interactive):
        assert interactive("""
x_id = rayx.put(1)
rayx.get(x_id) # 1
""") == [1]

    def test_two_alternatives(self, interactive):
        by_value, by_id = interactive("""
import numpy as np

@rayx.remote
def f(x):
    pass

x = np.zeros(10 ** 6)

# Alternative 1: Here, x is copied into the object store 10 times.
[f.remote(x) for _ in range(10)]

# Alternative 2: Here, x is copied into the object store once.
x_id = rayx.put(x)
[f.remote(x_id) for _ in range(10)]
""")
        assert rayx.get(by_value + by_id) == [None] * 20

    def test_waiting(self, interactive):
        # Scaled: tenths of the seconds that are printed.
        results, ready, remaining = interactive("""
import time
import numpy as np

@rayx.remote
def f(n):
    time.sleep(n / 10)  # task work
    return n

# Start 3 tasks with different durations.
results = [f.remote(i) for i in range(3)]
# Block until 2 of them have finished.
ready_ids, remaining_ids = rayx.wait(results, num_returns=2)
(results, ready_ids, remaining_ids)
""")[-1]
        assert len(ready) == 2
        assert len(remaining) == 1
        assert {*ready, *remaining} == {*results}
        assert ready == sorted(ready, key=results.index)

        began = time.monotonic()
        results, ready, remaining = interactive("""
# Start 5 tasks with different durations.
results = [f.remote(i) for i in range(5)]
# Block until 4 of them have finished or 2.5 seconds pass.
ready_ids, remaining_ids = rayx.wait(results, num_returns=4, timeout=250)
(results, ready_ids, remaining_ids)
""")[-1]
        assert len(ready) == 4 or time.monotonic() - began >= 0.25
        assert len(ready) <= 4
        assert {*ready, *remaining} == {*results}
        assert len(ready) + len(remaining) == 5
        assert rayx.get(results) == [0, 1, 2, 3, 4]

    def test_a_new_task_whenever_one_finishes(self, interactive, capsys):
        interactive("""
@rayx.remote
def f():
    return 1

# Start 5 tasks.
remaining_ids = [f.remote() for i in range(5)]
# Whenever one task finishes, start a new one.
for _ in range(100):
    ready_ids, remaining_ids = rayx.wait(remaining_ids)
    # Get the available object and do something with it.
    print(rayx.get(ready_ids))
    # Start a new task.
    remaining_ids.append(f.remote())
""")
        assert capsys.readouterr().out == "[1]\n" * 100

    def test_viewing_errors(self, interactive, capfd):
        # The reference sleeps a second for the error to get there; whoever waits for the task
        # needs not.
        found = interactive("""
@rayx.remote
def f():
    raise Exception("This task failed!!")

failed = f.remote() # An error message will be printed in the background.

# Wait for the error to propagate to Redis.
import time
rayx.wait([failed])

rayx.error_info() # This returns a list containing the error message.
""")[-1]
        assert len(found) == 1
        assert "This task failed!!" in found[0]["message"]
        assert found[0]["function"] == "f"
        # What nobody gets is printed, though not at once.
        deadline = time.monotonic() + 30
        printed = ""
        while "This task failed!!" not in printed:
            printed += capfd.readouterr().err
            assert time.monotonic() < deadline
        with pytest.raises(Exception, match="This task failed!!"):
            interactive("rayx.get(failed)")

    def test_numpy_is_what_it_was(self):
        x = np.random.default_rng(0).normal(size=1000)
        np.testing.assert_array_equal(rayx.get(rayx.put([x, {"x": x}]))[1]["x"], x)
