"""Evolution strategies learn to balance a pole, the same way with and without rayx."""

import re

import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("gymnasium")
pytest.importorskip("matplotlib")
PROGRAM = "evolution_strategies/evolution_strategies.py"


def test_reward_rises_and_weights_are_those_of_a_serial_run(tmp_path):
    figures, out = examples.run(
        PROGRAM, "--environment", "CartPole-v1", "--hidden", 16, "--pairs", 16, "--iterations", 10,
        "--noise", 1_000_000, "--num-cpus", 2, "--serial", tmp_path=tmp_path,
    )  # fmt: skip
    (found,) = re.findall(r"mean reward ([\d.]+) at first, ([\d.]+) in the end", figures["outcome"])
    first, last = map(float, found)
    assert last > 5 * first
    assert "the serial weights are identical to the bit" in out


def test_humanoid_walks_through_an_iteration(tmp_path):
    pytest.importorskip("mujoco")
    figures, _ = examples.run(
        PROGRAM, "--iterations", 1, "--pairs", 4, "--noise", 1_000_000, "--num-cpus", 2,
        tmp_path=tmp_path,
    )  # fmt: skip
    assert "Humanoid-v5" in figures["example"]
