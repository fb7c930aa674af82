"""The two programs with TensorFlow find the line; with PyTorch, weights are those of serial."""

import importlib.util
import re

import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]


@pytest.mark.parametrize("name", ["weights", "gradients"])
def test_tensorflow_finds_the_line(name, tmp_path):
    pytest.importorskip("tensorflow")
    figures, out = examples.run(
        f"tensorflow/{name}.py", "--iterations", 101, "--num-cpus", 2, tmp_path=tmp_path
    )
    slope, intercept = map(float, re.findall(r"0\.\d+", figures["outcome"]))
    assert abs(slope - 0.1) < 0.01 and abs(intercept - 0.3) < 0.01
    assert "Iteration 100: weights are" in out


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch_learns_and_is_identical_to_serial(tmp_path):
    figures, out = examples.run(
        "torch/driver.py", "--iterations", 40, "--num-cpus", 2, "--serial", tmp_path=tmp_path
    )
    assert "the serial weights are identical to the bit" in out
    (accuracy,) = re.findall(r"test accuracy (0\.\d+)", figures["outcome"])
    assert float(accuracy) > 0.85
