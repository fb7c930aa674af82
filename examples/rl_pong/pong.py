"""Pong as a network sees it, and the network: two layers of numpy, after A. Karpathy's "Deep
Reinforcement Learning: Pong from Pixels" (2016), whose ways of looking and learning these are."""

from typing import Any, NamedTuple

import numpy as np

# The playing field, every fourth pixel of it: where a ball is two pixels high, that is enough.
ROWS, COLUMNS = slice(34, 194, 4), slice(0, 160, 4)
PIXELS = 40 * 40
BACKGROUND = (144, 109)
# Of the game's six actions: the paddle goes up, or down.
UP, DOWN = 2, 3
DISCOUNT = 0.99
DECAY = 0.99

Model = dict[str, np.ndarray]


class Game(NamedTuple):
    """What one game has given."""

    gradient: Model
    #: Points won less points lost.
    reward: float
    points: int
    steps: int


def make_environment() -> Any:
    """Real Pong of the Arcade Learning Environment; its program comes with the package."""
    import ale_py
    import gymnasium

    gymnasium.register_envs(ale_py)
    return gymnasium.make("ALE/Pong-v5")


def initial_model(hidden: int, seed: int) -> Model:
    """A network that goes up as often as down."""
    generator = np.random.default_rng(seed)
    return {
        "first": (generator.standard_normal((hidden, PIXELS)) / np.sqrt(PIXELS)).astype(np.float32),
        "second": (generator.standard_normal(hidden) / np.sqrt(hidden)).astype(np.float32),
    }


def seen(frame: np.ndarray) -> np.ndarray:
    """A frame as ones where the ball and the paddles are."""
    small = frame[ROWS, COLUMNS, 0]
    is_something = (small != BACKGROUND[0]) & (small != BACKGROUND[1]) & (small != 0)
    flat: np.ndarray = is_something.astype(np.float32).ravel()
    return flat


def play(environment: Any, model: Model, seed: int, points_max: int) -> Game:
    """Plays until `points_max` points were made, and computes the gradient of what was done."""
    generator = np.random.default_rng(seed)
    frame, _ = environment.reset(seed=seed)
    before = seen(frame)
    inputs, hiddens, errors, rewards = [], [], [], []
    points, is_over = 0, False
    while points < points_max and not is_over:
        now = seen(frame)
        # The difference shows in which direction the ball flies.
        inputs.append(now - before)
        before = now
        hidden, up = policy_forward(model, inputs[-1])
        goes_up = generator.random() < up
        hiddens.append(hidden)
        errors.append(float(goes_up) - up)
        frame, reward, terminated, truncated, _ = environment.step(UP if goes_up else DOWN)
        rewards.append(float(reward))
        points += reward != 0
        is_over = terminated or truncated
    advantages = normalised(discounted(np.array(rewards, np.float32)))
    gradient = policy_backward(
        model, np.array(inputs), np.array(hiddens), np.array(errors, np.float32) * advantages
    )
    return Game(gradient, sum(rewards), points, len(rewards))


def policy_forward(model: Model, inputs: np.ndarray) -> tuple[np.ndarray, float]:
    """The hidden units, and how likely the paddle is to go up."""
    hidden = np.maximum(model["first"] @ inputs, 0)
    return hidden, float(1 / (1 + np.exp(-(model["second"] @ hidden))))


def policy_backward(
    model: Model, inputs: np.ndarray, hiddens: np.ndarray, errors: np.ndarray
) -> Model:
    """The gradient of the likelihood of what was done, weighted by what came of it."""
    back = np.outer(errors, model["second"]) * (hiddens > 0)
    return {"first": back.T @ inputs, "second": hiddens.T @ errors}


def discounted(rewards: np.ndarray) -> np.ndarray:
    """What was earned from each step on; each point is a game of its own."""
    result = np.empty_like(rewards)
    running = 0.0
    for step in range(len(rewards) - 1, -1, -1):
        running = rewards[step] if rewards[step] else running * DISCOUNT
        result[step] = running
    return result


def normalised(values: np.ndarray) -> np.ndarray:
    """With mean 0 and deviation 1, so that half of what was done is encouraged."""
    result: np.ndarray = (values - values.mean()) / (values.std() + 1e-6)
    return result


class RmsProp:
    """Steps whose size is the same for all weights, however large their gradients are."""

    def __init__(self, model: Model, step: float) -> None:
        self.step = np.float32(step)
        self.squares = {name: np.zeros_like(weights) for name, weights in model.items()}

    def ascend(self, model: Model, gradient: Model) -> Model:
        """A new model."""
        changed = {}
        for name, weights in model.items():
            self.squares[name] = DECAY * self.squares[name] + (1 - DECAY) * gradient[name] ** 2
            changed[name] = weights + self.step * gradient[name] / (
                np.sqrt(self.squares[name]) + 1e-5
            )
        return changed
