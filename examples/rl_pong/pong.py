"""Pong as a network sees it, and the network: two layers of numpy, after A. Karpathy's "Deep
Reinforcement Learning: Pong from Pixels" (2016)."""

from typing import Any, NamedTuple

import numpy as np

# The playing field is looked at in squares of so many pixels.
SQUARE = 8
SQUARES = 160 // SQUARE
FIELD = slice(34, 34 + SQUARES * SQUARE)
BACKGROUND = (144, 109)
# Of the game's six actions: the paddle goes up, or down.
UP, DOWN = 2, 3
# What comes of an action comes soon: a point that is made later counts less, by so much a step.
DISCOUNT = 0.97
# A rally of more steps is taken for one of so many, by the baseline.
STEPS_MAX = 500

Model = dict[str, np.ndarray]


class Game(NamedTuple):
    """What one game has given."""

    gradient: Model
    #: Points won, and all points.
    won: int
    points: int
    #: For each step, how many steps the serve was ago, and the discounted reward from there on.
    since_serve: np.ndarray
    returns: np.ndarray


def make_environment() -> Any:
    """Real Pong of the Arcade Learning Environment, whose program comes with the package. A step is
    four frames, and actions are never replaced by the one before, as in `PongDeterministic`."""
    import ale_py
    import gymnasium

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    return gymnasium.make("ALE/Pong-v5", repeat_action_probability=0, disable_env_checker=True)


def initial_model(hidden: int, seed: int) -> Model:
    """A network that goes up about as often as down."""
    generator = np.random.default_rng(seed)
    inputs = 2 * SQUARES**2
    return {
        "first": (generator.standard_normal((hidden, inputs)) / inputs**0.5).astype(np.float32),
        "second": (generator.standard_normal(hidden) / hidden**0.5 / 10).astype(np.float32),
    }


def seen(frame: np.ndarray) -> np.ndarray:
    """How much of each square is ball or paddle. A square that is half covered tells more of where
    the ball is than a pixel does."""
    field = frame[FIELD, :, 0]
    is_something = (field != BACKGROUND[0]) & (field != BACKGROUND[1])
    squares = is_something.reshape(SQUARES, SQUARE, SQUARES, SQUARE).sum(axis=(1, 3))
    flat: np.ndarray = squares.ravel().astype(np.float32) / SQUARE
    return flat


def play(
    environment: Any,
    generator: np.random.Generator,
    model: Model,
    baseline: np.ndarray,
    points: int,
) -> Game:
    """Plays until so many points are made, and computes the gradient of what was done."""
    frame, _ = environment.reset()
    before = seen(frame)
    inputs, hiddens, errors, rewards = [], [], [], []
    made, is_over = 0, False
    while made < points and not is_over:
        now = seen(frame)
        # The difference shows in which direction the ball flies.
        inputs.append(np.concatenate((now, now - before)))
        before = now
        hidden, up = policy_forward(model, inputs[-1])
        goes_up = generator.random() < up
        hiddens.append(hidden)
        errors.append(goes_up - up)
        frame, reward, terminated, truncated, _ = environment.step(UP if goes_up else DOWN)
        rewards.append(float(reward))
        made += reward != 0
        is_over = terminated or truncated
    since_serve, returns = times_and_returns(rewards)
    # What was done is encouraged if more came of it than usually comes at this time of a rally.
    advantages = returns - baseline[since_serve]
    slopes = np.array(errors, np.float32) * advantages
    gradient = policy_backward(model, np.array(inputs), np.array(hiddens), slopes)
    return Game(gradient, sum(reward > 0 for reward in rewards), made, since_serve, returns)


def policy_forward(model: Model, inputs: np.ndarray) -> tuple[np.ndarray, float]:
    """The hidden units, and how likely the paddle is to go up."""
    hidden = np.maximum(model["first"] @ inputs, 0)
    return hidden, float(1 / (1 + np.exp(-(model["second"] @ hidden))))


def policy_backward(
    model: Model, inputs: np.ndarray, hiddens: np.ndarray, slopes: np.ndarray
) -> Model:
    """The gradient in the weights, given the slope of each step's output before it is squashed."""
    back = np.outer(slopes, model["second"]) * (hiddens > 0)
    return {"first": back.T @ inputs, "second": hiddens.T @ slopes}


def times_and_returns(rewards: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """For each step, the steps since the serve, and the discounted reward of the point."""
    times = np.zeros(len(rewards), int)
    for step in range(1, len(rewards)):
        times[step] = 0 if rewards[step - 1] else min(times[step - 1] + 1, STEPS_MAX - 1)
    returns, running = np.zeros(len(rewards), np.float32), 0.0
    for step in range(len(rewards) - 1, -1, -1):
        running = rewards[step] if rewards[step] else running * DISCOUNT
        returns[step] = running
    return times, returns


class Baseline:
    """What usually comes of a rally, by how many steps the serve was ago: an average over the last
    games. It takes most of the noise out of the gradient."""

    def __init__(self) -> None:
        self.sums, self.counts = np.zeros(STEPS_MAX), np.full(STEPS_MAX, 1e-3)

    def expected(self) -> np.ndarray:
        """For each time since the serve."""
        return (self.sums / self.counts).astype(np.float32)

    def add(self, games: list[Game]) -> None:
        """Takes a batch of games, and forgets a twentieth of what was before."""
        self.sums *= 0.95
        self.counts *= 0.95
        for game in games:
            np.add.at(self.sums, game.since_serve, game.returns)
            np.add.at(self.counts, game.since_serve, 1)


class Adam:
    """D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015."""

    def __init__(self, model: Model, step: float) -> None:
        self.step, self.time = np.float32(step), 0
        self.first = {name: np.zeros_like(weights) for name, weights in model.items()}
        self.second = {name: np.zeros_like(weights) for name, weights in model.items()}

    def ascend(self, model: Model, gradient: Model) -> Model:
        """A new model."""
        self.time += 1
        changed = {}
        for name, weights in model.items():
            self.first[name] += 0.1 * (gradient[name] - self.first[name])
            self.second[name] += 0.01 * (gradient[name] ** 2 - self.second[name])
            first = self.first[name] / (1 - 0.9**self.time)
            second = self.second[name] / (1 - 0.99**self.time)
            changed[name] = weights + self.step * first / (np.sqrt(second) + 1e-7)
        return changed
