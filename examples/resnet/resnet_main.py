"""Data-parallel training of a ResNet on CIFAR: an actor for each GPU or CPU, weights averaged.

    python examples/resnet/resnet_main.py --serial --picture resnet.png
    python examples/resnet/resnet_main.py --eval_dir=/tmp/resnet-model/eval \
        --train_data_path=cifar-10-batches-bin/data_batch* \
        --eval_data_path=cifar-10-batches-bin/test_batch.bin --dataset=cifar10 --num_gpus=1

Without paths it learns the handwritten digits of scikit-learn, written in CIFAR's format.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # workers inherit it

import cifar
import numpy as np

import rayx

# Images that are evaluated at a time.
EVALUATED = 256


class Trainer:
    """A network of its own, which makes some steps from the weights that it is given."""

    def __init__(self, data, chosen, number):
        from model import ResNet, use_one_thread

        # With GPUs, CUDA_VISIBLE_DEVICES says which are this actor's.
        if not chosen.num_gpus:
            use_one_thread()
        # The arrays lie in the object store, where all actors read them.
        self.images, self.labels = data
        self.chosen = chosen
        self.network = new_network(ResNet, chosen)
        self.generator = np.random.default_rng([chosen.seed, number])

    def get_weights(self):
        return self.network.variables.get_weights()

    def compute_steps(self, weights):
        """The weights after some steps of training."""
        self.network.variables.set_weights(weights)
        for _ in range(self.chosen.steps):
            batch = self.generator.integers(0, len(self.labels), self.chosen.batch_size)
            images = cifar.varied(self.images[batch], self.generator, self.chosen.flips)
            self.network.train(cifar.standardised(images), self.labels[batch])
        return self.network.variables.get_weights()


class Tester:
    """Evaluates weights on the test images, and writes the log that TensorBoard shows."""

    def __init__(self, data, chosen):
        import tensorflow as tf
        from model import ResNet, use_one_thread

        use_one_thread()
        self.images, self.labels = data
        self.network = new_network(ResNet, chosen)
        self.log = tf.summary.create_file_writer(chosen.eval_dir) if chosen.eval_dir else None

    def accuracy(self, weights, step):
        """The share of test images that are told right."""
        import tensorflow as tf

        self.network.variables.set_weights(weights)
        found = []
        for start in range(0, len(self.labels), EVALUATED):
            part = slice(start, start + EVALUATED)
            images, labels = cifar.standardised(self.images[part]), self.labels[part]
            found.append((len(labels), *self.network.test(images, labels)))
        counts, losses, accuracies = np.array(found).T
        loss, accuracy = np.average([losses, accuracies], axis=1, weights=counts)
        if self.log is not None:
            with self.log.as_default(step=step):
                tf.summary.scalar("loss", loss)
                tf.summary.scalar("accuracy", accuracy)
            self.log.flush()
        return float(accuracy)


def new_network(network, chosen):
    """As the options want it."""
    classes = cifar.CLASSES[chosen.dataset]
    return network(classes, chosen.depth, chosen.filters, chosen.learning_rate, chosen.seed)


def mean(all_weights):
    """The mean of the weights, by name."""
    return {
        name: sum(weights[name] for weights in all_weights) / len(all_weights)
        for name in all_weights[0]
    }


def main():
    chosen = options_of()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.train_data_path is None:
            paths = cifar.write_digits(chosen.dataset, Path(folder), chosen.seed)
            chosen.train_data_path, chosen.eval_data_path = paths
        try:
            train = cifar.read(chosen.dataset, chosen.train_data_path)
            test = cifar.read(chosen.dataset, chosen.eval_data_path)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"{len(train[1]):,} images to learn from, {len(test[1]):,} to test with")
    # TensorFlow is imported once, and workers are forked from the process that has it.
    with options.start(chosen, num_gpus=chosen.num_gpus or None, preload=["tensorflow", "keras"]):
        count = chosen.num_gpus or chosen.num_actors or options.cpus()
        train_id, test_id = rayx.put(train), rayx.put(test)
        trainer = rayx.remote(**({"num_gpus": 1} if chosen.num_gpus else {"num_cpus": 1}))(Trainer)
        actors = [trainer.remote(train_id, chosen, number) for number in range(count)]
        tester = rayx.remote(Tester).remote(test_id, chosen)
        weights = rayx.get(actors[0].get_weights.remote())
        # Each builds its network, and its functions of TensorFlow, before it is measured.
        weights_id = rayx.put(weights)
        warm = [actor.compute_steps.remote(weights_id) for actor in actors]
        rayx.get([*warm, tester.accuracy.remote(weights_id, 0)])

        def compute(weights_id):
            return rayx.get([actor.compute_steps.remote(weights_id) for actor in actors])

        curve, parallel_s, weights = learn(chosen, weights, compute, tester.accuracy.remote)
    curves, serial_s = {"rayx": curve}, None
    if chosen.serial:
        same, curves["one after the other"], serial_s = learn_serially(chosen, train, test, count)
        different = [name for name in weights if not np.array_equal(weights[name], same[name])]
        if different:
            print(f"the serial weights are DIFFERENT: {', '.join(different)}", file=sys.stderr)
            return 1
        print("the serial weights are identical to the bit")
    if chosen.eval_dir:
        print(f"the log: tensorboard --logdir={chosen.eval_dir}")
    if chosen.picture:
        title = f"ResNet-{chosen.depth}, {count} actors"
        picture.curves(chosen.picture, title, "seconds", "accuracy on test images", curves)
    images = chosen.rounds * chosen.steps * chosen.batch_size * count
    outcome = f"test accuracy {curve[1][-1]:.3f} after {images:,} images"
    record.tell(chosen.record, "resnet", outcome, parallel_s, serial_s, count, accuracies=curve[1])
    return 0


def learn(chosen, weights, compute, evaluate):
    """Rounds of training from the same weights, averaged; evaluated now and then, meanwhile."""
    waiting, curve = [], ([], [])
    began = time.perf_counter()
    for number in range(1, chosen.rounds + 1):
        weights_id = rayx.put(weights)
        weights = mean(compute(weights_id))
        if number % chosen.eval_every == 0 or number == chosen.rounds:
            seconds = time.perf_counter() - began
            waiting.append((seconds, evaluate(weights, number * chosen.steps)))
        while waiting and (number == chosen.rounds or rayx.wait([waiting[0][1]], timeout_s=0)[0]):
            seconds, accuracy_id = waiting.pop(0)
            note(curve, seconds, rayx.get(accuracy_id))
    return curve, time.perf_counter() - began, weights


def learn_serially(chosen, train, test, count):
    """The same in this process, without rayx."""
    trainers = [Trainer(train, chosen, number) for number in range(count)]
    chosen.eval_dir = None  # the log has been written
    tester = Tester(test, chosen)
    weights = trainers[0].get_weights()
    for trainer in trainers:
        trainer.compute_steps(weights)
    tester.accuracy(weights, 0)
    curve = ([], [])
    began = time.perf_counter()
    for number in range(1, chosen.rounds + 1):
        weights = mean([trainer.compute_steps(weights) for trainer in trainers])
        if number % chosen.eval_every == 0 or number == chosen.rounds:
            seconds = time.perf_counter() - began
            note(curve, seconds, tester.accuracy(weights, number * chosen.steps))
    return weights, curve, time.perf_counter() - began


def note(curve, seconds, accuracy):
    """Adds a point, and tells of it."""
    curve[0].append(seconds)
    curve[1].append(accuracy)
    print(f"{seconds:6.1f} s: {accuracy:.1%} of the test images are told right", flush=True)


def options_of():
    """The command line: the chapter's flags, and sizes."""
    parser = options.parser(__doc__)
    parser.add_argument("--dataset", choices=list(cifar.LABELS), default="cifar10")
    parser.add_argument("--train_data_path", nargs="+", help="files, or a pattern; or digits")
    parser.add_argument("--eval_data_path", nargs="+", help="of the images to test with")
    parser.add_argument("--data", type=Path, help="folder with the set; instead of the two paths")
    parser.add_argument("--eval_dir", help="where the log for TensorBoard is written")
    parser.add_argument("--num_gpus", type=int, default=0, help="an actor for each; 0: CPUs")
    for name, default, words in (
        ("--num_actors", None, "actors, if there are no GPUs; one a CPU unless said"),
        ("--depth", 8, "layers: 6 n + 2; the chapter's has 32"),
        ("--filters", 8, "of the first stage; the chapter's has 16"),
        ("--batch_size", 32, "images of a step; the chapter's has 128"),
        ("--steps", 10, "of an actor in a round"),
        ("--rounds", 12, "after each of which weights are averaged"),
        ("--eval_every", 2, "rounds, then the weights are evaluated"),
    ):
        parser.add_argument(name, type=options.at_least_one, default=default, help=words)
    parser.add_argument("--learning_rate", type=float, default=0.1)
    chosen = parser.parse_args()
    if chosen.num_gpus < 0:
        parser.error("--num_gpus must be at least 0")
    if chosen.data is not None:
        train, test = (
            ("data_batch*", "test_batch.bin")
            if chosen.dataset == "cifar10"
            else ("train.bin", "test.bin")
        )
        chosen.train_data_path = [str(chosen.data / train)]
        chosen.eval_data_path = [str(chosen.data / test)]
    if (chosen.train_data_path is None) != (chosen.eval_data_path is None):
        parser.error("--train_data_path and --eval_data_path belong together")
    # A mirrored digit is none.
    chosen.flips = chosen.train_data_path is not None
    return chosen


if __name__ == "__main__":
    sys.exit(main())
