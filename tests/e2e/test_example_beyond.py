"""The programs beyond the reference: each finds what a serial run finds, or learns as well."""

import re
from statistics import NormalDist

import numpy as np
import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")


def run(name, *arguments, tmp_path):
    given = (*arguments, "--num-cpus", 2, "--serial")
    figures, out = examples.run(f"beyond/{name}.py", *given, tmp_path=tmp_path)
    assert figures["workers"] == 2 and figures["serial_s"] > 0
    return figures["outcome"], out


def test_cross_validation(tmp_path):
    outcome, out = run("cross_validation", "--folds", 2, tmp_path=tmp_path)
    assert "the serial scores are identical" in out
    (accuracy,) = re.findall(r"accuracy (0\.\d+)", outcome)
    assert float(accuracy) > 0.97


def test_a_shuffle_of_more_than_the_store_holds(tmp_path):
    pytest.importorskip("pyarrow")
    outcome, out = run("shuffle", "--files", 8, "--store", 20, tmp_path=tmp_path)
    assert "the serial sums are identical" in out
    assert "26 MB of rows from 8 files through a store of 20 MiB, 10,000 keys" in outcome


def test_monte_carlo_finds_the_price(tmp_path):
    outcome, out = run("monte_carlo", "--tasks", 6, tmp_path=tmp_path)
    assert "the serial sums are identical" in out
    price, error = map(float, re.findall(r"(\d+\.\d+)", outcome))
    assert 0 < error < 0.05
    assert abs(price / price_by_moments() - 1) < 0.005 + 4 * error / price


def price_by_moments():
    """Levy's approximation: the mean price taken for lognormal, by its exact first two moments."""
    spot, strike, rate, volatility = 100.0, 100.0, 0.03, 0.2
    times = np.arange(1, 253) / 252
    first = spot * np.exp(rate * times).mean()
    earlier, later = np.minimum.outer(times, times), np.add.outer(times, times)
    second = spot**2 * np.exp(rate * later + volatility**2 * earlier).mean()
    deviation = np.sqrt(np.log(second / first**2))
    d = np.log(first / strike) / deviation + deviation / 2
    cumulative = NormalDist().cdf
    return np.exp(-rate) * (first * cumulative(d) - strike * cumulative(d - deviation))


def test_image_pipeline(tmp_path):
    outcome, out = run("image_pipeline", "--batches", 5, "--size", 8, tmp_path=tmp_path)
    assert "the serial images are identical" in out
    assert outcome.startswith("80 images")


def test_parameter_server_learns(tmp_path):
    pytest.importorskip("mlxtend")
    outcome, _ = run("parameter_server", "--steps", 80, tmp_path=tmp_path)
    (accuracy,) = re.findall(r"test accuracy (0\.\d+) after 80 gradients", outcome)
    assert float(accuracy) > 0.8


def test_word_count(tmp_path):
    outcome, out = run("word_count", "--files", 60, tmp_path=tmp_path)
    assert "the serial counts are identical" in out
    assert re.search(r"^ +[\d,]+  self$", out, re.MULTILINE)
    assert "in 60 files" in outcome
