"""What people do wrong: the message of each mistake, word for word. See also test_mishaps.py.

A mistake is a function without arguments; beside it are the type of the error and all that it says,
as a regular expression, since ids and process numbers vary. After each the session must work.
"""

import concurrent.futures
import re
import threading

import pytest

import rayx

OBJECT = r"ObjectID\([0-9a-f]{40}\)"
FUNCTIONS_HAVE = (
    r"num_return_vals, num_cpus, num_gpus, resources, max_retries, timeout, priority, name"
)
CLASSES_HAVE = r"num_cpus, num_gpus, resources, max_restarts, max_concurrency, name, save_every"
NOT_AN_ID = r"rayx\.put\(value\) makes an ObjectID of a value, and f\.remote\(\.\.\.\) returns one"
ASK_FOR_LESS = r"Ask for less, or give more to rayx\.init \(num_cpus, num_gpus, resources\)\."
NOT_PICKLED = (
    r"cannot pickle '_thread\.lock' object\. Make it where it is used, leave it out, or define "
    r"__reduce__ in its class"
)


@rayx.remote
def f(value, other=1):
    return value


@rayx.remote
class Counter:
    def __init__(self, start=0):
        self.value = start

    def increment(self, by=1):
        self.value += by
        return self.value


@pytest.fixture(scope="module")
def here():
    """A session, and an actor in it."""
    with rayx.init(num_cpus=2):
        yield Counter.remote()


@pytest.fixture(autouse=True)
def works_again(here):
    """Whatever a test does, tasks and actors go on."""
    yield
    assert rayx.get([f.remote(number) for number in range(4)], timeout=20) == [0, 1, 2, 3]
    assert rayx.get(here.increment.remote(0), timeout=20) == 0


def check(mistake, kind, text):
    with pytest.raises(kind) as caught:
        mistake()
    said = str(caught.value)
    assert re.fullmatch(text, said), f"it says\n{said}\nand not\n{text}"


def lock_in_a_closure():
    lock = threading.Lock()

    def use():
        return lock

    rayx.remote(use).remote()


def same_id_twice():
    object_id = f.remote(1)
    rayx.wait([object_id, object_id])


def name_of_another():
    first = Counter.options(name="mine").remote()
    try:
        Counter.options(name="mine").remote()
    finally:
        rayx.kill(first)


def large_closure():
    data = bytes(40 << 20)
    rayx.remote(lambda: data).remote()


CALLS = [
    (
        lambda actor: f.remote({"a": [threading.Lock()]}),
        rayx.SerializationError,
        rf"cannot be pickled: argument 0 of f\['a'\]\[0\]: {NOT_PICKLED}",
    ),
    (
        lambda actor: actor.increment.remote(by=threading.Lock()),
        rayx.SerializationError,
        rf"cannot be pickled: argument 'by' of Counter\.increment: {NOT_PICKLED}",
    ),
    (
        lambda actor: rayx.put(threading.Lock()),
        rayx.SerializationError,
        rf"cannot be pickled: value: {NOT_PICKLED}",
    ),
    (
        lambda actor: lock_in_a_closure(),
        rayx.SerializationError,
        rf"cannot be pickled: use → captured variable 'lock': {NOT_PICKLED}",
    ),
    (
        lambda actor: large_closure(),
        rayx.SerializationError,
        r"the function <lambda> is 40\.0 MiB large when pickled, the limit is 32\.0 MiB\. It "
        r"carries 'data' \(40\.0 MiB\) along\. Store large data once with rayx\.put, and pass the "
        r"ObjectID to the function as an argument\.",
    ),
    (
        lambda actor: f.remote(),
        TypeError,
        r"f\(\) missing 1 required positional argument: 'value'",
    ),
    (
        lambda actor: f.remote(1, 2, 3),
        TypeError,
        r"f\(\) takes from 1 to 2 positional arguments but 3 were given",
    ),
    (
        lambda actor: f.remote(1, another=2),
        TypeError,
        r"f\(\) got an unexpected keyword argument 'another'",
    ),
    (
        lambda actor: actor.increment.remote(1, 2),
        TypeError,
        r"Counter\.increment\(\) takes from 0 to 1 positional arguments but 2 were given",
    ),
    (
        lambda actor: Counter.remote(begin=1),
        TypeError,
        r"Counter\(\) got an unexpected keyword argument 'begin'",
    ),
    (
        lambda actor: f(1),
        TypeError,
        r"a remote function cannot be called directly: use f\.remote\(\) for a task, or "
        r"f\.function\(\) to run it here",
    ),
    (
        lambda actor: Counter(),
        TypeError,
        r"an actor cannot be made directly: use Counter\.remote\(\) for an actor, or "
        r"Counter\.cls\(\) for an instance here",
    ),
    (
        lambda actor: actor.increment(),
        TypeError,
        r"Counter\.increment is a method of an actor and cannot be called directly: use "
        r"\.increment\.remote\(\) and rayx\.get",
    ),
    (
        lambda actor: actor.incremnt.remote(),
        AttributeError,
        r"the actor's class Counter has no method 'incremnt'; did you mean 'increment'\?",
    ),
    (
        lambda actor: actor.value,
        AttributeError,
        r"the actor's class Counter has no method 'value'; it has increment\. An actor's "
        r"attributes cannot be read from outside: have a method return them",
    ),
    (
        lambda actor: Counter.increment,
        AttributeError,
        r"the remote class Counter has no attribute 'increment': methods are called on an actor, "
        r"Counter\.remote\(\), and the class itself is Counter\.cls",
    ),
]

OPTIONS = [
    (
        lambda actor: f.options(num_cpu=1),
        TypeError,
        rf"rayx\.remote on a function has no option 'num_cpu'; it has {FUNCTIONS_HAVE}\. Did you "
        r"mean 'num_cpus'\?",
    ),
    (
        lambda actor: f.options(max_restarts=1),
        TypeError,
        r"rayx\.remote on a function has no option 'max_restarts': a function has max_retries; it "
        rf"has {FUNCTIONS_HAVE}",
    ),
    (
        lambda actor: Counter.options(max_retries=1),
        TypeError,
        r"rayx\.remote on a class has no option 'max_retries': an actor has max_restarts; it has "
        rf"{CLASSES_HAVE}",
    ),
    (
        lambda actor: rayx.remote(gpus=1),
        TypeError,
        rf"rayx\.remote has no option 'gpus'; functions have {FUNCTIONS_HAVE}; classes have "
        rf"{CLASSES_HAVE}\. Did you mean 'num_gpus'\?",
    ),
    (
        lambda actor: actor.increment.options(num_gpus=1),
        TypeError,
        r"a method of an actor has no option 'num_gpus': resources belong to the actor; give them "
        r"to rayx\.remote; it has num_return_vals, timeout, name",
    ),
    (
        lambda actor: f.options(num_return_vals=-1),
        ValueError,
        r"num_return_vals must be between 0 and 1,048,576, not -1",
    ),
    (
        lambda actor: f.options(num_return_vals="two"),
        TypeError,
        r'num_return_vals must be a whole number or "stream", not \'two\' of str',
    ),
    (
        lambda actor: f.options(num_gpus=1.5),
        ValueError,
        r"num_gpus must be a whole number, or less than 1 for a share of one GPU, not 1\.5",
    ),
    (
        lambda actor: f.options(resources={"CPU": 2}),
        ValueError,
        r"give CPU as num_cpus=2, not in resources",
    ),
    (
        lambda actor: f.options(timeout=0),
        ValueError,
        r"timeout must be more than 0 seconds and at most 1,000,000,000, not 0; None sets no limit",
    ),
    (
        lambda actor: rayx.remote(5),
        TypeError,
        r"rayx\.remote takes a function or a class, not 5 of type int",
    ),
]

OBJECTS = [
    (
        lambda actor: rayx.get(5),
        TypeError,
        rf"rayx\.get takes an ObjectID or a list of ObjectIDs, not int: {NOT_AN_ID}",
    ),
    (
        lambda actor: rayx.get(f),
        TypeError,
        r"rayx\.get takes an ObjectID or a list of ObjectIDs, not RemoteFunction: call it with "
        r"\.remote\(\.\.\.\) for an ObjectID",
    ),
    (
        lambda actor: rayx.get(actor),
        TypeError,
        r"rayx\.get takes an ObjectID or a list of ObjectIDs, not ActorHandle: call one of the "
        r"actor's methods with \.remote\(\.\.\.\) for an ObjectID",
    ),
    (
        lambda actor: rayx.get({"a": f.remote(1)}),
        TypeError,
        r"rayx\.get takes an ObjectID or a list of ObjectIDs, not dict: give its keys, "
        r"list\(\.\.\.\), or its values, list\(\.\.\.\.values\(\)\)",
    ),
    (
        lambda actor: rayx.get(f.options(num_return_vals="stream").remote(1)),
        TypeError,
        r"rayx\.get takes an ObjectID or a list of ObjectIDs, not ObjectStream: take one id by "
        r"next\(stream\), or wait for all of them, list\(stream\)",
    ),
    (
        lambda actor: rayx.get([f.remote(1), None]),
        TypeError,
        rf"rayx\.get takes ObjectIDs, but the item at index 1 is of type NoneType: {NOT_AN_ID}",
    ),
    (
        lambda actor: rayx.wait(f.remote(1)),
        TypeError,
        r"rayx\.wait takes a list of ObjectIDs, not ObjectID: put it in a list, \[object_id\]",
    ),
    (
        lambda actor: same_id_twice(),
        ValueError,
        rf"rayx\.wait wants each ObjectID once, but {OBJECT} is in the list twice",
    ),
    (
        lambda actor: rayx.wait([f.remote(1)], num_returns=2),
        ValueError,
        r"num_returns must be between 1 and the number of ids, 1, not 2",
    ),
    (
        lambda actor: rayx.wait([f.remote(1)], timeout=-1),
        ValueError,
        r"timeout must not be negative, but is -1 milliseconds; None waits without end",
    ),
    (
        lambda actor: rayx.get(f.remote(1), timeout=-1),
        ValueError,
        r"timeout must not be negative, but is -1 seconds; None waits without end",
    ),
    (
        lambda actor: rayx.put(f.remote(1)),
        TypeError,
        rf"rayx\.put was given {OBJECT}, which is stored already; use it as it is, or put it in a "
        r"list if it is the id that matters: rayx\.put\(\[object_id\]\)",
    ),
    (
        lambda actor: f.remote(1).shape,
        AttributeError,
        r"an ObjectID has no attribute 'shape': it stands for a value, which "
        r"rayx\.get\(object_id\) returns",
    ),
    (
        lambda actor: f.remote(1).cancel(),
        AttributeError,
        r"an ObjectID has no attribute 'cancel': rayx\.cancel\(object_id\) stops the task that "
        r"makes it",
    ),
    (
        lambda actor: next(concurrent.futures.as_completed([f.remote(1)])),
        AttributeError,
        r"an ObjectID has no attribute '_condition': it is no future of concurrent\.futures\. "
        r"rayx\.as_completed\(ids\) and rayx\.wait\(ids\) are made for ids; for what takes futures "
        r"only there is object_id\.future\(\)",
    ),
    (
        lambda actor: rayx.cancel(rayx.put(1)),
        ValueError,
        rf"{OBJECT} was made by rayx\.put, so there is no task to cancel",
    ),
    (
        lambda actor: rayx.cancel(actor),
        TypeError,
        r"rayx\.cancel takes the ObjectID of a task's result, not <rayx actor Counter "
        r"[0-9a-f]{32}> of type ActorHandle: to end an actor, use rayx\.kill",
    ),
    (
        lambda actor: rayx.kill(5),
        TypeError,
        r"rayx\.kill takes the handle of an actor, not 5 of type int",
    ),
    (
        lambda actor: rayx.kill(f.remote(1)),
        TypeError,
        rf"rayx\.kill takes the handle of an actor, not {OBJECT} of type ObjectID: to end a task, "
        r"use rayx\.cancel",
    ),
    (
        lambda actor: rayx.get_actor("nobody"),
        ValueError,
        r"there is no actor of the name 'nobody': it was never made with \.options\(name=…\), or "
        r"has ended",
    ),
    (
        lambda actor: name_of_another(),
        ValueError,
        r"the name 'mine' is taken by an actor of class Counter: get it with "
        r"rayx\.get_actor\('mine'\), or end it with rayx\.kill",
    ),
    (
        lambda actor: Counter.options(num_gpus=1).remote(),
        rayx.InfeasibleError,
        r"an actor of class Counter asks for 1 GPU, of which there are 0 in all: there is not "
        rf"enough in the system\. {ASK_FOR_LESS}",
    ),
    (
        lambda actor: rayx.init(),
        rayx.AlreadyInitializedError,
        r"rayx\.init\(\) was called a second time: call rayx\.shutdown\(\) before, or guard the "
        r"call by `if not rayx\.is_initialized\(\):`, or keep the session that there is, with the "
        r"arguments that it was started with, by ignore_reinit_error=True",
    ),
]


def mistakes(table):
    """Parametrizes a test; each of its names is the beginning of what is said."""
    names = [re.sub(r"\W+", "_", text)[:50] for _, _, text in table]
    return pytest.mark.parametrize(("mistake", "kind", "text"), table, ids=names)


@mistakes(CALLS)
def test_a_wrong_call(here, mistake, kind, text):
    check(lambda: mistake(here), kind, text)


@mistakes(OPTIONS)
def test_a_wrong_option(here, mistake, kind, text):
    check(lambda: mistake(here), kind, text)


@mistakes(OBJECTS)
def test_a_wrong_object(here, mistake, kind, text):
    check(lambda: mistake(here), kind, text)
