"""A3C: runners play and compute gradients, and the driver applies each as it comes.

    python examples/a3c/driver.py 2 --environment CartPole-positions --picture a3c.png
    python examples/a3c/driver.py 16 --environment Pong --hidden 128 --reward-scale 1

V. Mnih and others, "Asynchronous methods for deep reinforcement learning", arXiv:1602.01783, 2016.
"""

import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
from policy import Adam, LSTMPolicy
from runner import Runner

import rayx

# Episodes over which rewards are averaged to be shown.
WINDOW = 100
# How many lines are printed in a run.
LINES = 20


class Learner:
    """The policy that is improved, and the curve of what it earns."""

    def __init__(self, chosen: Namespace, observed: int, actions: int) -> None:
        self.policy = LSTMPolicy(observed, actions, chosen.hidden, chosen.seed)
        self.adam, self.step = Adam(self.policy.layout.size), chosen.step
        self.done, self.wanted = 0, chosen.steps
        self.finished: list[float] = []
        self.curve: tuple[list[float], list[float]] = ([], [])
        self.began = time.perf_counter()
        self.seconds = 0.0

    def is_done(self) -> bool:
        """Whether enough has been played."""
        return self.done >= self.wanted

    def model_update(self, gradient: np.ndarray, info: dict[str, Any]) -> None:
        """Applies a gradient, and notes what came with it."""
        step = self.step * max(0.0, 1 - self.done / self.wanted)
        self.policy.set_weights(self.adam.descend(self.policy.get_weights(), gradient, step))
        self.seconds = time.perf_counter() - self.began
        line = self.done * LINES // self.wanted
        self.done += info["size"]
        if info["finished"]:
            self.finished += info["finished"]
            self.curve[0].append(self.done)
            self.curve[1].append(float(np.mean(self.finished[-WINDOW:])))
        if self.done * LINES // self.wanted > line and self.finished:
            print(
                f"{self.done:8d} steps, {len(self.finished):5d} episodes, {self.seconds:6.1f} s: "
                f"mean reward {self.curve[1][-1]:7.2f}",
                flush=True,
            )


def train(chosen: Namespace) -> Learner:
    """Plays in actors."""
    actor = rayx.remote(Runner)
    agents = [actor.remote(chosen, number) for number in range(chosen.num_workers)]
    learner = Learner(chosen, *rayx.get([agent.sizes.remote() for agent in agents])[0])
    parameters = learner.policy.get_weights()
    gradient_list = [agent.compute_gradient.remote(parameters) for agent in agents]
    while not learner.is_done():
        # Returns as soon as the first gradient is there.
        done_id, gradient_list = rayx.wait(gradient_list)
        gradient, info = rayx.get(done_id)[0]
        # The runner begins its next gradient with the weights as they are now.
        learner.model_update(gradient, info)
        parameters = learner.policy.get_weights()
        gradient_list.append(agents[info["id"]].compute_gradient.remote(parameters))
    return learner


def train_serially(chosen: Namespace) -> Learner:
    """The same with a single runner, in this process."""
    runner = Runner(chosen, 0)
    learner = Learner(chosen, *runner.sizes())
    while not learner.is_done():
        learner.model_update(*runner.compute_gradient(learner.policy.get_weights()))
    runner.runner.stop()
    return learner


def main() -> int:
    """Learns in parallel, and if asked, the same number of steps without rayx."""
    parser = options.parser(__doc__)
    whole = options.at_least_one
    parser.add_argument("num_workers", type=whole, nargs="?", default=2, help="runners")
    parser.add_argument(
        "--environment", default="CartPole-positions", help="that, Pong, or of gymnasium"
    )
    parser.add_argument("--steps", type=whole, default=300_000, help="of all runners together")
    parser.add_argument("--local-steps", type=whole, default=20, help="for each gradient")
    parser.add_argument("--hidden", type=whole, default=32, help="units of the LSTM")
    parser.add_argument("--step", type=float, default=3e-3, help="of the optimiser, at first")
    parser.add_argument(
        "--reward-scale", type=float, default=0.1, help="makes what is learnt about as small as 1"
    )
    chosen = parser.parse_args()
    with options.start(chosen):
        workers = min(options.cpus(), chosen.num_workers)
        learner = train(chosen)
    curves, serial_s = {f"{chosen.num_workers} runners": learner.curve}, None
    if chosen.serial:
        alone = train_serially(chosen)
        curves["one runner, without rayx"] = alone.curve
        serial_s = alone.seconds
    if chosen.picture:
        title = f"A3C with an LSTM: {chosen.environment}"
        reward = f"reward of an episode, mean of {WINDOW}"
        picture.curves(chosen.picture, title, "steps", reward, curves)
    rewards = learner.curve[1]
    outcome = f"no episode has ended after {learner.done} steps"
    if rewards:
        early = rewards[min(WINDOW, len(rewards)) - 1]
        outcome = f"mean reward {early:.1f} at first, {rewards[-1]:.1f} after {learner.done} steps"
    name = f"a3c {chosen.environment}"
    record.tell(chosen.record, name, outcome, learner.seconds, serial_s, workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
