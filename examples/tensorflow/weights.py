"""The first program of the chapter "Using Ray with TensorFlow": actors train, weights are averaged.

    python examples/tensorflow/weights.py --picture weights.png

The graph stays where it was built; its weights travel, as a dictionary of arrays. It is a graph of
TensorFlow 1, by `tf.compat.v1`.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# TensorFlow's notes on the processor; workers inherit it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow.compat.v1 as tf
from harness import options, picture, record

import rayx

BATCH_SIZE = 100


class Network:
    """A straight line, to be fitted to points."""

    def __init__(self, x, y):
        # Each process decides for itself; a worker has not run what stands above.
        tf.disable_eager_execution()
        # Seed TensorFlow to make the script deterministic.
        tf.set_random_seed(0)
        # Define the inputs.
        self.x_data = tf.constant(x, dtype=tf.float32)
        self.y_data = tf.constant(y, dtype=tf.float32)
        # Define the weights and computation.
        w = tf.Variable(tf.random_uniform([1], -1.0, 1.0))
        b = tf.Variable(tf.zeros([1]))
        y = w * self.x_data + b
        # Define the loss.
        self.loss = tf.reduce_mean(tf.square(y - self.y_data))
        optimizer = tf.train.GradientDescentOptimizer(0.5)
        self.grads = optimizer.compute_gradients(self.loss)
        self.train = optimizer.apply_gradients(self.grads)
        # Define the weight initializer and session.
        init = tf.global_variables_initializer()
        self.sess = tf.Session()
        # Additional code for setting and getting the weights
        self.variables = rayx.experimental.TensorFlowVariables(self.loss, self.sess)
        # Return all of the data needed to use the network.
        self.sess.run(init)

    # Trains the network for one step and returns the new weights.
    def step(self, weights):
        # Set the weights in the network.
        self.variables.set_weights(weights)
        # Do one step of training.
        self.sess.run(self.train)
        # Return the new weights.
        return self.variables.get_weights()

    def get_weights(self):
        return self.variables.get_weights()


# Define a remote function for generating fake data.
@rayx.remote(num_return_vals=2)
def generate_fake_x_y_data(num_data, seed=0):
    # Seed numpy to make the script deterministic.
    np.random.seed(seed)
    x = np.random.rand(num_data)
    y = x * 0.1 + 0.3
    return x, y


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--batches", type=options.at_least_one, default=2, help="actors")
    parser.add_argument("--iterations", type=options.at_least_one, default=201)
    chosen = parser.parse_args()
    with options.start(chosen):
        # Generate some training data.
        batch_ids = [
            generate_fake_x_y_data.remote(BATCH_SIZE, seed=i) for i in range(chosen.batches)
        ]
        x_ids = [x_id for x_id, y_id in batch_ids]
        y_ids = [y_id for x_id, y_id in batch_ids]

        # Create actors to store the networks.
        remote_network = rayx.remote(Network)
        actor_list = [remote_network.remote(x_ids[i], y_ids[i]) for i in range(chosen.batches)]

        # Get initial weights of some actor.
        weights = rayx.get(actor_list[0].get_weights.remote())
        slope, intercept = weights
        path = []
        began = time.perf_counter()

        # Do some steps of training.
        for iteration in range(chosen.iterations):
            # Put the weights in the object store. This is optional. We could instead pass the
            # weights directly into step.remote, in which case they would be stored for each call
            # anew, so this is more efficient.
            weights_id = rayx.put(weights)
            # Call the remote function multiple times in parallel.
            new_weights_ids = [actor.step.remote(weights_id) for actor in actor_list]
            # Get all of the weights.
            new_weights_list = rayx.get(new_weights_ids)
            # Take the mean of the different weights, by name.
            weights = {
                variable: sum(weight_dict[variable] for weight_dict in new_weights_list)
                / chosen.batches
                for variable in new_weights_list[0]
            }
            path.append((float(weights[slope][0]), float(weights[intercept][0])))
            # Print the current weights. They should converge to roughly the values 0.1 and 0.3
            # used in generate_fake_x_y_data.
            if iteration % 20 == 0:
                print(f"Iteration {iteration}: weights are {weights}")
        seconds = time.perf_counter() - began
    show(chosen, "tensorflow/weights", path, seconds)
    return 0


def show(chosen, name, path, seconds):
    """The way of the weights."""
    if chosen.picture:
        steps = list(range(1, len(path) + 1))
        lines = {
            "slope (0.1 is right)": (steps, [slope for slope, _ in path]),
            "intercept (0.3 is right)": (steps, [intercept for _, intercept in path]),
        }
        picture.curves(chosen.picture, "A line, fitted by actors", "steps", "weight", lines)
    outcome = f"slope {path[-1][0]:.4f}, intercept {path[-1][1]:.4f}"
    record.tell(chosen.record, name, outcome, seconds, None, chosen.batches)


if __name__ == "__main__":
    sys.exit(main())
