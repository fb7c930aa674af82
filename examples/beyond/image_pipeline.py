"""An image pipeline of two stages, with streams: photographs in, augmented batches out.

    python examples/beyond/image_pipeline.py --serial --picture pipeline.png

Loaders are generators: each yields batches of crops from scikit-learn's two photographs, and is
never more than a few batches ahead of who takes them, so that any number of images needs the same
memory. Each batch is blurred, turned and flipped in a task of its own, and taken as it comes.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
from scipy import ndimage
from sklearn import datasets

import rayx

CROP = 96


def load(seed, batches, size):
    """Yields batches of crops."""
    photographs = datasets.load_sample_images().images
    generator = np.random.default_rng(seed)
    for number in range(batches):
        batch = np.empty((size, CROP, CROP, 3), np.float32)
        for place in range(size):
            photograph = photographs[(seed + number + place) % len(photographs)]
            row = generator.integers(photograph.shape[0] - CROP)
            column = generator.integers(photograph.shape[1] - CROP)
            batch[place] = photograph[row : row + CROP, column : column + CROP]
        yield batch


def augment(batch, seed):
    """A new batch: each image blurred, turned a little, and flipped as chance will have it."""
    generator = np.random.default_rng(seed)
    result = np.empty_like(batch)
    for place, image in enumerate(batch):
        changed = ndimage.gaussian_filter(image, (generator.uniform(0, 1.5),) * 2 + (0,))
        changed = ndimage.rotate(
            changed, generator.uniform(-10, 10), reshape=False, order=1, mode="nearest"
        )
        result[place] = changed[:, ::-1] if generator.random() < 0.5 else changed
    return result


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--loaders", type=options.at_least_one, default=2)
    parser.add_argument("--batches", type=options.at_least_one, default=30, help="of each loader")
    parser.add_argument("--size", type=options.at_least_one, default=32, help="images in a batch")
    chosen = parser.parse_args()
    # Each worker has the libraries from its start: a loader may run in one that ran none before.
    with options.start(chosen, preload=["scipy.ndimage", "sklearn.datasets"]):
        workers = options.cpus()
        # A loader does little and waits much. With a CPU of its own it would take that from the
        # augmenters for as long as it fills its window.
        loader = rayx.remote(num_return_vals="stream", num_cpus=0)(load)
        augmenter = rayx.remote(augment)
        # Workers start before it is measured.
        warm = [augmenter.remote(next(loader.remote(0, 1, 32)), [0]) for _ in range(2 * workers)]
        rayx.get(warm)
        means, arrivals = in_parallel(chosen, loader, augmenter, workers)
    serial_s = None
    if chosen.serial:
        began = time.perf_counter()
        same = [
            float(augment(batch, [chosen.seed, loader_number, number]).mean())
            for loader_number in range(chosen.loaders)
            for number, batch in enumerate(load(loader_number, chosen.batches, chosen.size))
        ]
        serial_s = time.perf_counter() - began
        if sorted(same) != sorted(means):
            print("the serial images are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial images are identical")
    if chosen.picture:
        done = [(number + 1) * chosen.size for number in range(len(arrivals))]
        lines = {"rayx": (arrivals, done)}
        if serial_s is not None:
            lines["one after the other"] = ([0, serial_s], [0, done[-1]])
        picture.curves(chosen.picture, "An image pipeline", "seconds", "images", lines)
    images = len(means) * chosen.size
    outcome = f"{images:,} images, the first batch after {arrivals[0]:.2f} s"
    record.tell(chosen.record, "image_pipeline", outcome, arrivals[-1], serial_s, workers)
    return 0


def in_parallel(chosen, loader, augmenter, workers):
    """The mean of each batch as it comes, and when that was."""
    means, arrivals, running = [], [], {}
    began = time.perf_counter()
    streams = {
        number: iter(loader.remote(number, chosen.batches, chosen.size))
        for number in range(chosen.loaders)
    }
    taken = dict.fromkeys(streams, 0)
    while streams or running:
        # A few batches a processor are under way; the loaders wait meanwhile.
        while streams and len(running) < 2 * workers:
            # The stream that has given least is next.
            number = min(streams, key=lambda one: taken[one])
            batch_id = next(streams[number], None)
            if batch_id is None:
                del streams[number]
                continue
            seed = [chosen.seed, number, taken[number]]
            taken[number] += 1
            running[augmenter.remote(batch_id, seed)] = None
        if running:
            (ready,), _ = rayx.wait(running)
            del running[ready]
            means.append(float(rayx.get(ready).mean()))
            arrivals.append(time.perf_counter() - began)
    return means, arrivals


if __name__ == "__main__":
    sys.exit(main())
