"""The ResNet learns digits in CIFAR's format, which is the real one, and writes a log."""

import importlib.util
import re

import numpy as np
import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("sklearn")
PROGRAM = "resnet/resnet_main.py"
spec = importlib.util.spec_from_file_location("cifar", examples.PLACE / "resnet" / "cifar.py")
cifar = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cifar)


def test_it_learns_and_writes_a_log(tmp_path):
    # Not imported: that would change the environment of this process.
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("there is no tensorflow")
    figures, _ = examples.run(
        PROGRAM, "--rounds", 15, "--steps", 10, "--eval_every", 5, "--num-cpus", 2,
        "--eval_dir", tmp_path / "log", tmp_path=tmp_path,
    )  # fmt: skip
    (accuracy,) = re.findall(r"test accuracy (0\.\d+) after 9,600 images", figures["outcome"])
    assert float(accuracy) > 0.35, "chance is 0.1"
    (log,) = (tmp_path / "log").iterdir()
    written = log.read_bytes()
    assert b"accuracy" in written and b"scalars" in written


def test_records_are_those_of_cifar10(tmp_path):
    # Written by hand as the format says: a label, then all of red, green and blue.
    first = bytes([7]) + bytes([1] * 1024) + bytes([2] * 1024) + bytes([3] * 1024)
    red = bytearray(1024)
    red[33] = 200  # the second row, the second pixel
    second = bytes([9]) + bytes(red) + bytes(2048)
    (tmp_path / "data_batch_1.bin").write_bytes(first)
    (tmp_path / "data_batch_2.bin").write_bytes(second)
    images, labels = cifar.read("cifar10", [str(tmp_path / "data_batch*")])
    assert images.shape == (2, 32, 32, 3) and labels.tolist() == [7, 9]
    assert images[0, 5, 6].tolist() == [1, 2, 3]
    assert images[1, 1, 1].tolist() == [200, 0, 0] and images[1].sum() == 200


def test_the_fine_label_of_cifar100_is_the_class(tmp_path):
    (tmp_path / "train.bin").write_bytes(bytes([3, 42]) + bytes(3072))
    images, labels = cifar.read("cifar100", [str(tmp_path / "train.bin")])
    assert images.shape == (1, 32, 32, 3) and labels.tolist() == [42]


def test_what_is_written_is_read(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    for dataset in ("cifar10", "cifar100"):
        cifar.write(dataset, tmp_path / dataset, images, np.arange(5))
        again, labels = cifar.read(dataset, [str(tmp_path / dataset)])
        assert np.array_equal(again, images) and labels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes(100), "has 100 bytes, which are not records of 3073"),
        (bytes([77] * 3073), "label 77"),
    ],
)
def test_other_files_are_refused(tmp_path, content, said):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        cifar.read("cifar10", [str(tmp_path / "file")])
    with pytest.raises(ValueError, match="there is no file"):
        cifar.read("cifar10", [str(tmp_path / "none")])


def test_nonsense_is_refused(tmp_path):
    examples.refused(PROGRAM, "--dataset", "mnist")
    assert "belong together" in examples.refused(PROGRAM, "--train_data_path", "x")
