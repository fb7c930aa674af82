"""The environments by name, each with observations that are a vector of small numbers."""

import gymnasium
import numpy as np

PONG = "Pong"
POSITIONS = "CartPole-positions"
# Of Pong's six actions: the paddle stays, goes up, or goes down.
PONG_ACTIONS = (0, 2, 3)
PONG_BACKGROUND = (144, 109)


def create_env(name: str) -> gymnasium.Env:
    """`Pong` from pixels, `CartPole-positions`, or an environment of gymnasium with a vector to
    see and a choice to make."""
    if name == PONG:
        return _pong()
    if name == POSITIONS:
        return _cart_pole_positions()
    environment = gymnasium.make(name, disable_env_checker=True)
    actions, observed = environment.action_space, environment.observation_space
    if not isinstance(actions, gymnasium.spaces.Discrete) or len(observed.shape or ()) != 1:
        raise ValueError(
            f"{name} has observations {observed} and actions {actions}; this program wants a "
            "vector and a choice, as CartPole-v1 has them"
        )
    return environment


def _cart_pole_positions() -> gymnasium.Env:
    """The pole on a cart without its speeds: who wants to balance it must remember positions."""
    return gymnasium.wrappers.TransformObservation(
        gymnasium.make("CartPole-v1", disable_env_checker=True),
        lambda observed: observed[[0, 2]] * np.array([1, 10], np.float32),
        gymnasium.spaces.Box(-5, 5, (2,), np.float32),
    )


class PongActions(gymnasium.ActionWrapper):
    """Pong with the three actions that differ, since the other three do the same."""

    def __init__(self, environment: gymnasium.Env) -> None:
        super().__init__(environment)
        self.action_space = gymnasium.spaces.Discrete(len(PONG_ACTIONS))

    def action(self, action: int) -> int:
        """What the game calls it."""
        return PONG_ACTIONS[action]


def _pong() -> gymnasium.Env:
    """What PongDeterministic was: four frames a step, and actions are done when they are said."""
    import ale_py

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    pong = gymnasium.make("ALE/Pong-v5", repeat_action_probability=0, disable_env_checker=True)
    return gymnasium.wrappers.TransformObservation(
        PongActions(pong), _seen, gymnasium.spaces.Box(0, 8, (400,), np.float32)
    )


def _seen(frame: np.ndarray) -> np.ndarray:
    """How much of each of 20 x 20 squares is ball or paddle."""
    field = frame[34:194, :, 0]
    is_something = ((field != PONG_BACKGROUND[0]) & (field != PONG_BACKGROUND[1])).astype(
        np.float32
    )
    squares: np.ndarray = is_something.reshape(20, 8, 20, 8).sum(axis=(1, 3)).ravel() / 8
    return squares
