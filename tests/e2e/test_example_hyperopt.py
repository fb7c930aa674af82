"""Random and adaptive search, with a few trials."""

import re

import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")


def test_a_few_trials(tmp_path):
    figures, out = examples.run(
        "hyperopt/simple.py", "--trials", 6, "--steps", 15, "--seed", 1, "--num-cpus", 2,
        "--serial", tmp_path=tmp_path,
    )  # fmt: skip
    assert "6 of 6 trials, best accuracy so far" in out
    table = re.findall(r"^ +(\d+) +(0\.\d{4}) +\d+\.\d+ +\d+ +\S+ +\d+$", out, re.MULTILINE)
    assert len(table) == 5
    accuracies = [float(accuracy) for _, accuracy in table]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.8, "worse than a network that has learnt something"
    assert "the accuracies are identical" in out
    assert figures["workers"] == 2 and figures["serial_s"] > 0


def test_adaptive_search_drops_the_bad_and_continues_the_good(tmp_path):
    figures, out = examples.run(
        "hyperopt/adaptive.py", "--num-starting-segments", 4, "--num-segments", 20,
        "--steps-per-segment", 4, "--num-cpus", 2, tmp_path=tmp_path,
    )  # fmt: skip
    (found,) = re.findall(
        r"(\d+) experiments, (\d+) of them dropped after one segment; the best has accuracy "
        r"(0\.\d+) after (\d+) segments",
        out,
    )
    experiments, dropped, accuracy, segments = map(float, found)
    assert 4 <= experiments < 20 and dropped >= 1 and segments > 1
    assert accuracy > 0.9
    assert "by 20 segments" in figures["outcome"]


def test_nonsense_is_refused():
    assert "at least 1" in examples.refused("hyperopt/simple.py", "--trials", 0)
    examples.refused("hyperopt/simple.py", "--trials", "x")
    examples.refused("hyperopt/adaptive.py", "--num-segments", 0)
