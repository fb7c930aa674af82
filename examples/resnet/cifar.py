"""CIFAR-10 and CIFAR-100 in their binary format; and scikit-learn's digits written in it.

A record of CIFAR-10 is a byte of label, and 3,072 bytes of image: 32 rows of 32 pixels, all of them
in red, then in green, then in blue. A record of CIFAR-100 has a byte more before: one of 20
superclasses, then one of 100 classes. A file is records and nothing else.
"""

import glob
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SIZE, CHANNELS = 32, 3
PIXELS = SIZE * SIZE * CHANNELS

# Labels before an image, and the classes that the last of them tells.
LABELS = {"cifar10": 1, "cifar100": 2}
CLASSES = {"cifar10": 10, "cifar100": 100}

Data = tuple[np.ndarray, np.ndarray]


def read(dataset: str, patterns: Sequence[str]) -> Data:
    """Images as uint8 (images, rows, columns, channels), and the labels of their classes.

    `patterns` are paths, each perhaps with `*`. ValueError for a file that is no such set.
    """
    paths = [path for pattern in patterns for path in sorted(glob.glob(pattern))]
    if not paths:
        raise ValueError(f"there is no file {' or '.join(patterns)}")
    size = LABELS[dataset] + PIXELS
    records = []
    for path in paths:
        data = np.fromfile(path, np.uint8)
        if not len(data) or len(data) % size:
            raise ValueError(
                f"{path} has {len(data)} bytes, which are not records of {size}: it is not the "
                f"binary version of {dataset}"
            )
        records.append(data.reshape(-1, size))
    whole = np.concatenate(records)
    labels = whole[:, LABELS[dataset] - 1].astype(np.int32)
    if labels.max() >= CLASSES[dataset]:
        raise ValueError(f"{paths[0]} has the label {labels.max()}: it is not {dataset}")
    planes = whole[:, LABELS[dataset] :].reshape(-1, CHANNELS, SIZE, SIZE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def write(dataset: str, path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """The inverse of `read`, for one file. A superclass, where there is one, is a fifth of it."""
    columns = [labels.astype(np.uint8)[:, None]]
    if LABELS[dataset] == 2:
        columns.insert(0, (labels // 5).astype(np.uint8)[:, None])
    planes = images.astype(np.uint8).transpose(0, 3, 1, 2).reshape(len(images), PIXELS)
    np.hstack([*columns, planes]).tofile(path)


def write_digits(dataset: str, folder: Path, seed: int = 0) -> tuple[list[str], list[str]]:
    """Writes the 1,797 real handwritten digits of scikit-learn in this format, 8 x 8 pixels as
    32 x 32 grey ones. Returns the paths of what to learn from, and of what to test with."""
    from sklearn import datasets

    small, labels = (np.asarray(part) for part in datasets.load_digits(return_X_y=True))
    grey = np.kron(small.reshape(-1, 8, 8), np.ones((1, 4, 4))) * (255 / 16)
    images = np.repeat(grey.round()[..., None], CHANNELS, axis=3)
    order = np.random.default_rng(seed).permutation(len(labels))
    train, test = folder / "digits_train.bin", folder / "digits_test.bin"
    held_back = len(labels) // 5
    write(dataset, test, images[order[:held_back]], labels[order[:held_back]])
    write(dataset, train, images[order[held_back:]], labels[order[held_back:]])
    return [str(train)], [str(test)]


def standardised(images: np.ndarray) -> np.ndarray:
    """As float32, each image with mean 0 and deviation 1."""
    pixels = images.astype(np.float32)
    pixels -= pixels.mean(axis=(1, 2, 3), keepdims=True)
    deviation = pixels.std(axis=(1, 2, 3), keepdims=True)
    pixels /= np.maximum(deviation, 1 / np.sqrt(PIXELS))
    return pixels


def varied(images: np.ndarray, generator: np.random.Generator, flips: bool) -> np.ndarray:
    """Each image moved by up to four pixels and, if `flips`, seen in a mirror half of the time."""
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)))
    result = np.empty_like(images)
    places = generator.integers(0, 9, (len(images), 2))
    mirrored = generator.random(len(images)) < 0.5
    for number, (row, column) in enumerate(places):
        image = padded[number, row : row + SIZE, column : column + SIZE]
        result[number] = image[:, ::-1] if flips and mirrored[number] else image
    return result
