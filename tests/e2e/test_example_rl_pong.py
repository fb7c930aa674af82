"""Pong from pixels: the gradient is right, and the same with and without rayx."""

import numpy as np
import pytest

import examples

pytestmark = [pytest.mark.time_limit(120)]
pytest.importorskip("ale_py")
pytest.importorskip("gymnasium")
pytest.importorskip("matplotlib")
PROGRAM = "rl_pong/driver.py"


@pytest.fixture(scope="module")
def pong():
    with examples.modules("rl_pong"):
        import pong
    return pong


def test_gradient_is_that_of_the_likelihood_of_what_was_done(pong):
    drawn = np.random.default_rng(0)
    vector = drawn.standard_normal(3 * 4 + 3)
    inputs, ups = drawn.standard_normal((6, 4)), np.array([1, 0, 0, 1, 1, 0])
    advantages = drawn.standard_normal(6)

    def model_of(vector):
        return {"first": vector[:12].reshape(3, 4), "second": vector[12:]}

    def likelihood(changed):
        chances = np.array([pong.policy_forward(model_of(changed), seen)[1] for seen in inputs])
        return np.sum(advantages * np.log(np.where(ups, chances, 1 - chances)))

    forward = [pong.policy_forward(model_of(vector), seen) for seen in inputs]
    hiddens, chances = (np.array(part) for part in zip(*forward, strict=True))
    gradient = pong.policy_backward(model_of(vector), inputs, hiddens, (ups - chances) * advantages)
    found = np.concatenate([gradient["first"].ravel(), gradient["second"]])
    np.testing.assert_allclose(found, examples.slopes_of(likelihood, vector), atol=1e-8)


def test_each_point_is_a_game_of_its_own(pong):
    times, returns = pong.times_and_returns([0.0, 0.0, -1.0, 0.0, 1.0, 0.0])
    assert times.tolist() == [0, 1, 2, 0, 1, 0]
    d = pong.DISCOUNT
    assert returns.tolist() == pytest.approx([-d * d, -d, -1, d, 1, 0])


def test_the_baseline_is_what_has_come_of_it_so_far(pong):
    baseline = pong.Baseline()
    assert not baseline.expected().any()
    games = [
        pong.Game({}, 0, 1, np.array([0, 1]), np.array([-0.9, -1.0])),
        pong.Game({}, 1, 1, np.array([0]), np.array([0.5])),
    ]
    baseline.add(games)
    assert baseline.expected()[:3] == pytest.approx([-0.2, -1, 0], abs=2e-3)


def test_ball_and_paddles_are_seen_on_the_field(pong):
    environment = pong.make_environment()
    frame, _ = environment.reset(seed=0)
    between = []
    for _ in range(100):
        frame, *_ = environment.step(pong.UP)
        squares = pong.seen(frame).reshape(20, 20)
        assert squares[:, 17:].any()
        between.append(np.count_nonzero(squares[:, 4:16]))
    # The paddles are near the ends, and between them there is nothing but the ball, if that.
    assert min(between) == 0 and 1 <= max(between) <= 4


def test_weights_are_those_of_a_serial_run(tmp_path):
    figures, out = examples.run(
        PROGRAM, "--batch-size", 4, "--points", 1, "--iterations", 5, "--num-cpus", 2, "--serial",
        tmp_path=tmp_path,
    )  # fmt: skip
    assert "the serial weights are identical to the bit" in out
    assert "of points won at first" in figures["outcome"]
    assert figures["workers"] == 2 and figures["serial_s"] > 0


def test_nonsense_is_refused():
    assert "at least 1" in examples.refused(PROGRAM, "--batch-size", 0)
