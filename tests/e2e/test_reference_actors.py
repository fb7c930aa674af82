"""The code blocks of the reference's chapters *Actors* and *Using GPUs on actors*, as printed but
for `rayx`. Gym and TensorFlow, which only decorate, are replaced by modules of a few lines.
"""

import re
import sys

import pytest

import rayx

GYM = """
class Environment:
    def __init__(self, name):
        self.name = name
    def reset(self):
        self.steps = 0
    def step(self, action):
        self.steps += 1
        return self.name, action, self.steps

make = Environment
"""

TENSORFLOW = """
import os

class Node:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Node()
    def __call__(self, *args, **kwargs):
        return Node()
    __add__ = __mul__ = __enter__ = __call__
    def __neg__(self):
        return Node()
    def __exit__(self, *error):
        return None

class Session:
    def __init__(self, config):
        self.gpus = os.environ["CUDA_VISIBLE_DEVICES"]
        self.runs = 0
    def run(self, what, feed_dict=None):
        self.runs += 1
        return self.gpus, self.runs

def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Node()
"""

INPUT_DATA = """
class Images:
    images = labels = ()
    def next_batch(self, size):
        return (), ()

class Data:
    train = test = Images()

def read_data_sets(directory, one_hot):
    return Data()
"""

MODULES = {
    "gym.py": GYM,
    "tensorflow/__init__.py": TENSORFLOW,
    "tensorflow/examples/__init__.py": "",
    "tensorflow/examples/tutorials/__init__.py": "",
    "tensorflow/examples/tutorials/mnist/__init__.py": "",
    "tensorflow/examples/tutorials/mnist/input_data.py": INPUT_DATA,
}


@pytest.fixture(autouse=True)
def replaced_modules(tmp_path, monkeypatch):
    for name, source in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    # Other tests in this process may have imported the real ones.
    for name in [name for name in sys.modules if name.partition(".")[0] in ("gym", "tensorflow")]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield
    rayx.shutdown()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("gym", "tensorflow"):
            del sys.modules[name]


INIT = """
import rayx
rayx.init()
"""

COUNTER = """
@rayx.remote
class Counter(object):
    def __init__(self):
        self.value = 0
    def increment(self):
        self.value += 1
        return self.value
"""


def test_an_actor_of_an_environment(interactive):
    interactive(INIT)
    interactive("""
import gym

@rayx.remote
class GymEnvironment(object):
    def __init__(self, name):
        self.env = gym.make(name)
        self.env.reset()
    def step(self, action):
        return self.env.step(action)
    def reset(self):
        self.env.reset()
""")
    interactive("""
a1 = GymEnvironment.remote("Pong-v0")
a2 = GymEnvironment.remote("Pong-v0")
""")
    ids = interactive("""
a1.step.remote(0)
a2.step.remote(0)
""")
    assert rayx.get(ids) == [("Pong-v0", 0, 1), ("Pong-v0", 0, 1)]
    assert interactive("rayx.get([a1.step.remote(5), a1.reset.remote(), a1.step.remote(6)])") == [
        [("Pong-v0", 5, 2), None, ("Pong-v0", 6, 1)]
    ]


def test_counters(interactive, capsys):
    interactive(INIT)
    interactive(COUNTER)
    interactive("""
# Create ten actors.
counters = [Counter.remote() for _ in range(10)]

# Increment each counter once and get the results. These tasks all happen in
# parallel.
results = rayx.get([c.increment.remote() for c in counters])
print(results) # prints [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]

# Increment the first counter five times. These tasks are executed serially
# and share state.
results = rayx.get([counters[0].increment.remote() for _ in range(5)])
print(results) # prints [2, 3, 4, 5, 6]
""")
    assert capsys.readouterr().out.splitlines() == [
        "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]",
        "[2, 3, 4, 5, 6]",
    ]


NETWORK = """
def construct_network():
    x = tf.placeholder(tf.float32, [None, 784])
    y_ = tf.placeholder(tf.float32, [None, 10])

    W = tf.Variable(tf.zeros([784, 10]))
    b = tf.Variable(tf.zeros([10]))
    y = tf.nn.softmax(tf.matmul(x, W) + b)

    cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
    train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct_prediction = tf.equal(tf.argmax(y,1), tf.argmax(y_,1))
    accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))

    return x, y_, train_step, accuracy
"""

ON_GPU = """
import os

# Define an actor that runs on GPUs. If there are no GPUs, then simply use
# rayx.remote without any arguments and no parentheses.
@rayx.remote(num_gpus=1)
class NeuralNetOnGPU(object):
    def __init__(self):
        # Set an environment variable to tell TensorFlow which GPUs to use. Note
        # that this must be done before the call to tf.Session.
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join([str(i) for i in rayx.get_gpu_ids()])
        with tf.Graph().as_default():
            with tf.device("/gpu:0"):
                self.x, self.y_, self.train_step, self.accuracy = construct_network()
                # Allow this to run on CPUs if there aren't any GPUs.
                config = tf.ConfigProto(allow_soft_placement=True)
                self.sess = tf.Session(config=config)
                # Initialize the network.
                init = tf.global_variables_initializer()
                self.sess.run(init)
"""


def test_without_gpus_it_cannot_be_made(interactive):
    interactive(INIT)
    interactive("import tensorflow as tf")
    interactive(NETWORK)
    interactive(ON_GPU)
    # "an exception will be thrown saying that there aren't enough GPUs in the system"
    with pytest.raises(rayx.InfeasibleError, match="1 GPU, of which there are 0 .*not enough in"):
        interactive("NeuralNetOnGPU.remote()")


def test_with_gpus_it_has_one(interactive):
    rayx.init(num_gpus=2)
    interactive("import tensorflow as tf")
    interactive(NETWORK)
    interactive(ON_GPU)
    interactive("""
class WithIds(NeuralNetOnGPU):
    def ids(self):
        return rayx.get_gpu_ids(), self.sess.gpus
two = [rayx.remote(num_gpus=1)(WithIds).remote() for _ in range(2)]
""")
    (found,) = interactive("rayx.get([one.ids.remote() for one in two])")
    assert sorted(found) == [([0], "0"), ([1], "1")]


def test_putting_it_all_together(interactive, capsys):
    interactive("""
import os
import rayx
""")
    interactive("""
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

rayx.init(num_gpus=8)
""")
    interactive(NETWORK)
    interactive("""
@rayx.remote(num_gpus=1)
class NeuralNetOnGPU(object):
    def __init__(self, mnist_data):
        self.mnist = mnist_data
        # Set an environment variable to tell TensorFlow which GPUs to use. Note
        # that this must be done before the call to tf.Session.
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join([str(i) for i in rayx.get_gpu_ids()])
        with tf.Graph().as_default():
            with tf.device("/gpu:0"):
                self.x, self.y_, self.train_step, self.accuracy = construct_network()
                # Allow this to run on CPUs if there aren't any GPUs.
                config = tf.ConfigProto(allow_soft_placement=True)
                self.sess = tf.Session(config=config)
                # Initialize the network.
                init = tf.global_variables_initializer()
                self.sess.run(init)

    def train(self, num_steps):
        for _ in range(num_steps):
            batch_xs, batch_ys = self.mnist.train.next_batch(100)
            self.sess.run(self.train_step, feed_dict={self.x: batch_xs, self.y_: batch_ys})

    def get_accuracy(self):
        return self.sess.run(self.accuracy, feed_dict={self.x: self.mnist.test.images,
                                                         self.y_: self.mnist.test.labels})

# Load the MNIST dataset and tell Ray how to serialize the custom classes.
mnist = input_data.read_data_sets("MNIST_data", one_hot=True)

# Create the actor.
nn = NeuralNetOnGPU.remote(mnist)

# Run a few steps of training and print the accuracy.
nn.train.remote(100)
accuracy = rayx.get(nn.get_accuracy.remote())
print("Accuracy is {}".format(accuracy))
""")
    # One run of the session to initialize, a hundred to train, one for this.
    assert re.fullmatch(r"Accuracy is \('[0-7]', 102\)\n", capsys.readouterr().out)
