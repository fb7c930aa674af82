"""Policy gradients: the gradient is right, CartPole is learnt, Pong is played."""

import re

import numpy as np
import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("gymnasium")
pytest.importorskip("matplotlib")
PROGRAM = "policy_gradient/example.py"


def test_gradient_is_that_of_the_loss():
    with examples.modules("policy_gradient"):
        import network
        import ppo
    drawn = np.random.default_rng(0)
    shapes = {name: array.shape for name, array in network.initial_weights(4, 3, 5, 0).items()}

    def weights_of(vector):
        ends = np.cumsum([np.prod(shape) for shape in shapes.values()])
        parts = np.split(vector, ends[:-1])
        named = zip(shapes.items(), parts, strict=True)
        return {name: part.reshape(shape) for (name, shape), part in named}

    vector = drawn.standard_normal(sum(int(np.prod(shape)) for shape in shapes.values()))
    observations, actions = drawn.standard_normal((20, 4)), drawn.integers(0, 3, 20)
    outputs, _ = network.forward(weights_of(vector), "policy", observations)
    now = network.log_softmax(outputs)[np.arange(20), actions]
    # Some have become so much likelier or less likely that the loss is clipped, others have not.
    before = now + np.resize([0.5, 0.1, -0.1, -0.5], 20)
    batch = ppo.Batch(
        observations, actions, before, drawn.standard_normal(20), drawn.standard_normal(20)
    )
    _, gradient = ppo.loss_and_gradient(weights_of(vector), batch)
    tried = examples.slopes_of(
        lambda changed: ppo.loss_and_gradient(weights_of(changed), batch)[0], vector
    )
    found = np.concatenate([gradient[name].ravel() for name in shapes])
    assert np.abs(tried).max() > 0.1
    np.testing.assert_allclose(found, tried, atol=1e-8)


def test_advantages_are_discounted_sums_of_surprises():
    with examples.modules("policy_gradient"):
        import ppo
    found = ppo.advantages_of(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 5.0)
    last = 2 + 0.99 * 5 - 4
    assert found == pytest.approx([1 + 0.99 * 4 - 3 + 0.99 * 0.95 * last, last])


def test_cart_pole_is_learnt_and_weights_are_those_of_a_serial_run(tmp_path):
    figures, out = examples.run(
        PROGRAM, "--iterations", 5, "--num-cpus", 2, "--serial", tmp_path=tmp_path
    )
    found = re.findall(r"mean reward ([\d.]+) at first, ([\d.]+) after", figures["outcome"])
    ((first, last),) = found
    assert float(last) > 2.5 * float(first)
    assert "the serial weights are identical to the bit" in out
    assert figures["workers"] == 2 and figures["serial_s"] > 0


def test_it_stops_when_the_reward_is_enough(tmp_path):
    _, out = examples.run(
        PROGRAM, "--enough", 15, "--steps", 2400, "--num-cpus", 2, tmp_path=tmp_path
    )
    assert "solved: the last 100 episodes have earned 15.0 and more" in out
    assert out.count("episodes,") == 1


def test_pong_is_played_by_its_memory(tmp_path):
    pytest.importorskip("ale_py")
    figures, _ = examples.run(
        PROGRAM, "--environment", "Pong-ram", "--agents", 2, "--steps", 3000, "--iterations", 1,
        "--changes", 2, "--num-cpus", 2, tmp_path=tmp_path,
    )  # fmt: skip
    assert "Pong-ram" in figures["example"]
    assert "mean reward -2" in figures["outcome"] or "mean reward -1" in figures["outcome"]


def test_nonsense_is_refused():
    assert "at least 1" in examples.refused(PROGRAM, "--agents", 0)
