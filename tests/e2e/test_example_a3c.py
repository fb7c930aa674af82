"""A3C: the gradient through the LSTM is right, and what wants a memory is learnt."""

import re
from argparse import Namespace

import numpy as np
import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
gymnasium = pytest.importorskip("gymnasium")
pytest.importorskip("matplotlib")
PROGRAM = "a3c/driver.py"


def test_gradient_is_that_of_the_loss():
    with examples.modules("a3c"):
        import policy as module
    drawn = np.random.default_rng(0)
    policy = module.LSTMPolicy(5, 3, 4)
    vector = drawn.standard_normal(policy.layout.size) / 2
    memory = drawn.standard_normal(4) / 3, drawn.standard_normal(4) / 3
    steps = drawn.standard_normal((6, 5)), drawn.integers(0, 3, 6)
    batch = module.Batch(*steps, drawn.standard_normal(6), drawn.standard_normal(6), memory)

    def loss(changed):
        policy.set_weights(changed)
        return policy.loss_and_gradient(batch)[0]

    tried = examples.slopes_of(loss, vector)
    policy.set_weights(vector)
    _, gradient = policy.loss_and_gradient(batch)
    assert np.abs(tried).max() > 0.1
    np.testing.assert_allclose(gradient, tried, atol=1e-8)


def test_looking_step_by_step_is_what_the_gradient_goes_through():
    with examples.modules("a3c"):
        import policy as module
    policy = module.LSTMPolicy(2, 3, 4, seed=1)
    observations = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    memory, values = policy.blank_memory(), []
    for observation in observations:
        probabilities, value, memory = policy.look(observation, memory)
        values.append(value)
        assert probabilities.sum() == pytest.approx(1)
    # With these as goals and no advantage, nothing but the entropy is left of the loss.
    batch = module.Batch(
        observations, np.zeros(5, int), np.zeros(5), np.array(values), policy.blank_memory()
    )
    assert policy.loss_and_gradient(batch)[0] == pytest.approx(-0.01 * 5 * np.log(3), rel=1e-2)


def test_what_goes_wrong_in_the_thread_is_raised_by_the_gradient(monkeypatch):
    with examples.modules("a3c"):
        import runner

    class Broken(gymnasium.Wrapper):
        def step(self, action):
            raise OSError("the simulator is broken")

    monkeypatch.setattr(runner, "create_env", lambda name: Broken(gymnasium.make(name)))
    chosen = Namespace(environment="CartPole-v1", reward_scale=1, hidden=4, seed=0, local_steps=5)
    broken = runner.Runner(chosen, 0)
    with pytest.raises(OSError, match="the simulator is broken"):
        broken.compute_gradient(broken.policy.get_weights())


def test_positions_are_remembered(tmp_path):
    figures, out = examples.run(PROGRAM, 2, "--steps", 40_000, "--num-cpus", 2, tmp_path=tmp_path)
    found = re.findall(r"mean reward ([\d.]+) at first, ([\d.]+) after", figures["outcome"])
    ((first, last),) = found
    assert float(last) > 1.5 * float(first), out
    assert figures["workers"] == 2


def test_pong_is_seen_and_a_serial_run_plays_as_many_steps(tmp_path):
    pytest.importorskip("ale_py")
    figures, _ = examples.run(
        PROGRAM, 2, "--environment", "Pong", "--steps", 400, "--num-cpus", 2, "--serial",
        tmp_path=tmp_path,
    )  # fmt: skip
    assert "no episode has ended after 4" in figures["outcome"]
    assert figures["serial_s"] > 0


def test_nonsense_is_refused():
    assert "at least 1" in examples.refused(PROGRAM, 0)
