"""A worker of A3C: a thread that plays on and on, and gradients from what it has played."""

import queue
import threading
from argparse import Namespace
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from environments import create_env
from policy import Batch, LSTMPolicy, Memory

# Parts of play that may lie ready. More would be played with weights that are too old.
READY_MAX = 1


class Rollout(NamedTuple):
    """Some steps of an episode."""

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    values: np.ndarray
    #: What is expected after them: nothing, if the episode has ended.
    value_after: float
    memory: Memory
    #: What the episodes that ended in it have earned: one, or none.
    finished: list[float]


def process_rollout(rollout: Rollout, gamma: float, lambda_: float) -> Batch:
    """Finds out how good what was done has been."""
    following = np.append(rollout.values[1:], np.float32(rollout.value_after))
    surprises = rollout.rewards + gamma * following - rollout.values
    advantages, running = np.empty_like(surprises), 0.0
    for step in range(len(surprises) - 1, -1, -1):
        running = surprises[step] + gamma * lambda_ * running
        advantages[step] = running
    returns = advantages + rollout.values
    return Batch(rollout.observations, rollout.actions, advantages, returns, rollout.memory)


class RunnerThread(threading.Thread):
    """Plays with whatever weights the policy has at the moment."""

    def __init__(self, environment: Any, policy: LSTMPolicy, steps: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.environment, self.policy, self.steps, self.seed = environment, policy, steps, seed
        self.rollouts: queue.Queue[Rollout | Exception] = queue.Queue(READY_MAX)
        self.is_stopped = False

    def run(self) -> None:
        """What goes wrong here is raised where rollouts are wanted."""
        try:
            self._play()
        except Exception as error:
            self.rollouts.put(error)

    def stop(self) -> None:
        """Ends the thread, which may be waiting for room in the queue."""
        self.is_stopped = True
        while self.is_alive():
            with suppress(queue.Empty):
                self.rollouts.get(timeout=0.01)

    def _play(self) -> None:
        generator = np.random.default_rng(self.seed)
        observation, _ = self.environment.reset(seed=self.seed)
        memory, earned = self.policy.blank_memory(), 0.0
        while not self.is_stopped:
            before = memory
            steps = []
            terminated = truncated = False
            while len(steps) < self.steps and not (terminated or truncated):
                probabilities, value, memory = self.policy.look(observation, memory)
                # The first action whose cumulated probability is above a number from [0, 1).
                action = int((np.cumsum(probabilities) > generator.random()).argmax())
                seen = observation
                observation, reward, terminated, truncated, _ = self.environment.step(action)
                steps.append((seen, action, float(reward), value))
                earned += float(reward)
            value_after = 0.0 if terminated else self.policy.look(observation, memory)[1]
            is_over = terminated or truncated
            observations, actions, rewards, values = zip(*steps, strict=True)
            self.rollouts.put(
                Rollout(
                    np.array(observations, np.float32),
                    np.array(actions),
                    np.array(rewards, np.float32),
                    np.array(values, np.float32),
                    value_after,
                    before,
                    [earned] if is_over else [],
                )
            )
            if is_over:
                observation, _ = self.environment.reset()
                memory, earned = self.policy.blank_memory(), 0.0


class Runner:
    """An actor: simulates an environment, and computes gradients as well."""

    def __init__(self, chosen: Namespace, actor_id: int) -> None:
        self.environment = create_env(chosen.environment)
        self.id, self.reward_scale = actor_id, np.float32(chosen.reward_scale)
        self.policy = LSTMPolicy(*self.sizes(), chosen.hidden)
        seed = chosen.seed + actor_id
        self.runner = RunnerThread(self.environment, self.policy, chosen.local_steps, seed)
        self.is_started = False

    def sizes(self) -> tuple[int, int]:
        """How many numbers are observed, and how many actions there are."""
        environment: Any = self.environment  # its spaces are of these kinds
        return int(environment.observation_space.shape[0]), int(environment.action_space.n)

    def pull_batch_from_queue(self) -> Rollout:
        """The next steps that the thread has played."""
        rollout = self.runner.rollouts.get()
        if isinstance(rollout, Exception):
            raise rollout
        return rollout

    def compute_gradient(self, params: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """The gradient, and what the driver wants to know about it."""
        self.policy.set_weights(params)
        if not self.is_started:
            self.is_started = True
            self.runner.start()
        rollout = self.pull_batch_from_queue()
        rollout = rollout._replace(rewards=rollout.rewards * self.reward_scale)
        batch = process_rollout(rollout, gamma=0.99, lambda_=1.0)
        gradient = self.policy.get_gradients(batch)
        info = {"id": self.id, "size": len(batch.actions), "finished": rollout.finished}
        return gradient, info
