"""L-BFGS with actors gives what it gives without, to the bit, and learns."""

import re

import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("mlxtend")
pytest.importorskip("matplotlib")


def test_it_learns_and_is_identical_to_serial(tmp_path):
    figures, out = examples.run(
        "lbfgs/driver.py", "--iterations", 15, "--parts", 4, "--num-cpus", 2, "--serial",
        tmp_path=tmp_path,
    )  # fmt: skip
    assert "the serial result is identical to the bit" in out
    (accuracy,) = re.findall(r"test accuracy (0\.\d+)", figures["outcome"])
    assert float(accuracy) > 0.8
    assert figures["serial_s"] > 0
