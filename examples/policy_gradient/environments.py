"""The environments by name, each with observations that are a vector of small numbers."""

from typing import Any

import gymnasium
import numpy as np

PONG = "Pong-ram"
# Of the game's six actions: the paddle stays, goes up, or goes down.
PONG_ACTIONS = (0, 2, 3)


class PongActions(gymnasium.ActionWrapper):
    """Pong with the three actions that differ, since the other three do the same."""

    def __init__(self, environment: gymnasium.Env) -> None:
        super().__init__(environment)
        self.action_space = gymnasium.spaces.Discrete(len(PONG_ACTIONS))

    def action(self, action: int) -> int:
        """What the game calls it."""
        return PONG_ACTIONS[action]


def make(name: str) -> gymnasium.Env:
    """`Pong-ram`, or an environment of gymnasium with a vector to see and a number to do."""
    environment = _pong() if name == PONG else gymnasium.make(name, disable_env_checker=True)
    actions, observed = environment.action_space, environment.observation_space
    if not isinstance(actions, gymnasium.spaces.Discrete) or len(observed.shape or ()) != 1:
        raise ValueError(
            f"{name} has observations {observed} and actions {actions}; this program wants a "
            "vector and a choice, as CartPole-v1 has them"
        )
    return environment


def _pong() -> gymnasium.Env:
    import ale_py

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    pong = PongActions(gymnasium.make("ALE/Pong-v5", obs_type="ram", disable_env_checker=True))
    # The two frames tell where the ball is and in which direction it flies.
    stacked = gymnasium.wrappers.FrameStackObservation(pong, 2)
    return gymnasium.wrappers.TransformObservation(
        stacked,
        lambda bytes_seen: (bytes_seen.ravel() / np.float32(128) - 1).astype(np.float32),
        gymnasium.spaces.Box(-1, 1, (256,), np.float32),
    )


def sizes(environment: Any) -> tuple[int, int]:
    """How many numbers are observed, and how many actions there are."""
    return int(environment.observation_space.shape[0]), int(environment.action_space.n)
