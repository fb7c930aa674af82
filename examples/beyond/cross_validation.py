"""Cross-validation of a grid of scikit-learn models: each model and fold is a task.

python examples/beyond/cross_validation.py --serial --picture cross_validation.png
"""

import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
from sklearn import datasets, model_selection, svm

import rayx

GAMMAS = tuple(10.0 ** np.arange(-5, -1.4, 0.5))
PENALTIES = (1.0, 10.0)


def score(images, labels, gamma, penalty, train, test):
    """The accuracy on one fold of a model that has learned the others."""
    model = svm.SVC(gamma=gamma, C=penalty)
    model.fit(images[train], labels[train])
    return float(model.score(images[test], labels[test]))


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--folds", type=options.at_least_one, default=5)
    chosen = parser.parse_args()
    images, labels = datasets.load_digits(return_X_y=True)
    folds = model_selection.StratifiedKFold(chosen.folds, shuffle=True, random_state=chosen.seed)
    splits = list(folds.split(images, labels))
    grid = [
        (gamma, penalty, *split)
        for gamma, penalty, split in itertools.product(GAMMAS, PENALTIES, splits)
    ]
    with options.start(chosen):
        workers = options.cpus()
        images_id, labels_id = rayx.put(images), rayx.put(labels)
        task = rayx.remote(score)
        # Workers import scikit-learn, and are warm.
        rayx.get([task.remote(images_id, labels_id, *grid[0]) for _ in range(4 * workers)])
        began = time.perf_counter()
        scores = rayx.get([task.remote(images_id, labels_id, *point) for point in grid])
        parallel_s = time.perf_counter() - began
    serial_s = None
    if chosen.serial:
        began = time.perf_counter()
        if [score(images, labels, *point) for point in grid] != scores:
            print("the serial scores are DIFFERENT", file=sys.stderr)
            return 1
        serial_s = time.perf_counter() - began
        print("the serial scores are identical")
    means = np.array(scores).reshape(len(GAMMAS), len(PENALTIES), chosen.folds).mean(axis=2)
    best = np.unravel_index(means.argmax(), means.shape)
    if chosen.picture:
        lines = {
            f"C = {penalty:g}": (list(GAMMAS), means[:, column].tolist())
            for column, penalty in enumerate(PENALTIES)
        }
        title = f"Accuracy of {len(grid)} models, {chosen.folds} folds"
        picture.curves(chosen.picture, title, "gamma", "mean accuracy", lines, xscale="log")
    outcome = (
        f"accuracy {means[best]:.4f} with gamma={GAMMAS[best[0]]:.2g}, C={PENALTIES[best[1]]:g}"
    )
    record.tell(chosen.record, "cross_validation", outcome, parallel_s, serial_s, workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
