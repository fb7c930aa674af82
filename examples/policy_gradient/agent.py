"""An agent plays, keeps what it has seen, and computes gradients from it."""

from typing import NamedTuple

import environments
import numpy as np
from network import Weights, forward, log_softmax
from ppo import Batch, advantages_of, loss_and_gradient


class Played(NamedTuple):
    """What the driver is told of a rollout; the steps themselves stay with the agent."""

    #: What each episode that has ended has earned.
    rewards: list[float]
    steps: int


class Agent:
    """An actor of `example.py`: an environment, and the steps of the last rollout."""

    def __init__(self, environment: str, seed: int) -> None:
        self.environment = environments.make(environment)
        self.generator = np.random.default_rng(seed)
        self.observation, _ = self.environment.reset(seed=seed)
        self.earned = 0.0
        self.batch: Batch | None = None

    def sizes(self) -> tuple[int, int]:
        """How many numbers are observed, and how many actions there are."""
        return environments.sizes(self.environment)

    def rollout(self, weights: Weights, steps: int) -> Played:
        """Plays on from where the last rollout ended."""
        parts: list[Batch] = []
        finished: list[float] = []
        left = steps
        while left:
            part, is_over = self._play(weights, left)
            parts.append(part)
            left -= len(part.actions)
            if is_over:
                finished.append(self.earned)
                self.earned = 0.0
                self.observation, _ = self.environment.reset()
        batch = Batch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        advantages = batch.advantages
        normal = (advantages - advantages.mean()) / (advantages.std() + 1e-6)
        self.batch = batch._replace(advantages=normal)
        return Played(finished, steps)

    def gradient(self, weights: Weights, size: int) -> Weights:
        """The gradient of the loss over `size` steps of the last rollout, drawn at random."""
        assert self.batch is not None, "a rollout comes first"
        drawn = self.generator.permutation(len(self.batch.actions))[:size]
        return loss_and_gradient(weights, Batch(*(array[drawn] for array in self.batch)))[1]

    def _play(self, weights: Weights, steps: int) -> tuple[Batch, bool]:
        """Up to `steps` steps of one episode, and whether it has ended."""
        observations, actions, log_likelihoods, rewards = [], [], [], []
        terminated = truncated = False
        while len(actions) < steps and not (terminated or truncated):
            logs = log_softmax(forward(weights, "policy", self.observation)[0])
            # The first action whose cumulated probability is above a number drawn from [0, 1).
            above = np.cumsum(np.exp(logs)) > self.generator.random()
            action = int(above.argmax())
            observations.append(self.observation)
            actions.append(action)
            log_likelihoods.append(logs[action])
            self.observation, reward, terminated, truncated, _ = self.environment.step(action)
            rewards.append(float(reward))
        self.earned += sum(rewards)
        # Nothing is to come after an end, but something after an episode that was merely cut off.
        seen = np.array([*observations, self.observation], np.float32)
        values = forward(weights, "value", seen)[0][:, 0]
        value_after = 0.0 if terminated else float(values[-1])
        advantages = advantages_of(np.array(rewards, np.float32), values[:-1], value_after)
        batch = Batch(
            seen[:-1],
            np.array(actions),
            np.array(log_likelihoods, np.float32),
            advantages,
            advantages + values[:-1],
        )
        return batch, terminated or truncated
