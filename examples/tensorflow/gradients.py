"""The second program of "Using Ray with TensorFlow": actors compute gradients, the driver steps.

python examples/tensorflow/gradients.py --picture gradients.png
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from harness import options
from weights import BATCH_SIZE, Network, generate_fake_x_y_data, show

import rayx


class GradientNetwork(Network):
    """The same network; a step returns gradients and changes nothing."""

    def step(self, weights):
        # Set the weights in the network.
        self.variables.set_weights(weights)
        # We only need the actual gradients, so we take the first of each pair.
        return self.sess.run([grad[0] for grad in self.grads])


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--batches", type=options.at_least_one, default=2, help="actors")
    parser.add_argument("--iterations", type=options.at_least_one, default=201)
    chosen = parser.parse_args()
    with options.start(chosen):
        # Generate some training data, and some test data.
        batch_ids = [
            generate_fake_x_y_data.remote(BATCH_SIZE, seed=i) for i in range(chosen.batches)
        ]
        x_test, y_test = rayx.get(generate_fake_x_y_data.remote(BATCH_SIZE, seed=chosen.batches))

        # Create actors to store the networks.
        remote_network = rayx.remote(GradientNetwork)
        actor_list = [remote_network.remote(x_id, y_id) for x_id, y_id in batch_ids]
        local_network = GradientNetwork(x_test, y_test)

        # Get initial weights of the local network.
        weights = local_network.get_weights()
        slope, intercept = weights
        path = []
        began = time.perf_counter()

        # Do some steps of training.
        for iteration in range(chosen.iterations):
            weights_id = rayx.put(weights)
            # Call the remote function multiple times in parallel, and get all of the gradients.
            gradients_list = rayx.get([actor.step.remote(weights_id) for actor in actor_list])
            # Each element of gradients_list is a list of gradients: take the mean of each one.
            mean_grads = [
                sum(gradients[i] for gradients in gradients_list) / len(gradients_list)
                for i in range(len(gradients_list[0]))
            ]
            # The numbers stand in for the symbolic gradients, so that nothing is computed again.
            feed_dict = {
                grad[0]: mean_grad
                for grad, mean_grad in zip(local_network.grads, mean_grads, strict=True)
            }
            local_network.sess.run(local_network.train, feed_dict=feed_dict)
            weights = local_network.get_weights()
            path.append((float(weights[slope][0]), float(weights[intercept][0])))
            if iteration % 20 == 0:
                print(f"Iteration {iteration}: weights are {weights}")
        seconds = time.perf_counter() - began
    show(chosen, "tensorflow/gradients", path, seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
