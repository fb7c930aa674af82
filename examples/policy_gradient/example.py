"""Policy gradients (PPO): actors play and compute gradients, the driver applies these.

    python examples/policy_gradient/example.py --environment CartPole-v1 --picture cartpole.png
    python examples/policy_gradient/example.py --environment Pong-ram

Another environment of gymnasium with a vector to observe and a choice to make needs its name only.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
from agent import Agent
from network import Adam, Weights, initial_weights

import rayx

# Episodes over which rewards are averaged to be shown, and to find out whether it is solved.
WINDOW = 100
# Calls a method of all agents with the same arguments, and returns what each returns.
CallAll = Callable[..., list[Any]]


class Learnt(NamedTuple):
    """What a run has given: weights, the seconds it took, and a point of the curve an iteration."""

    weights: Weights
    seconds: float
    steps: list[float]
    rewards: list[float]


def main() -> int:
    """Learns in parallel, and if asked, the same with the same agents and without rayx."""
    chosen = parse_arguments()
    seeds = [chosen.seed * 1000 + number for number in range(chosen.agents)]
    with options.start(chosen):
        workers = min(options.cpus(), chosen.agents)
        actor = rayx.remote(Agent)
        actors = [actor.remote(chosen.environment, seed) for seed in seeds]

        def in_parallel(method: str, *arguments: Any) -> list[Any]:
            stored = [rayx.put(argument) for argument in arguments]  # once for all agents
            return rayx.get([getattr(one, method).remote(*stored) for one in actors])

        learnt = learn(chosen, in_parallel)
    serial_s = None
    if chosen.serial:
        agents = [Agent(chosen.environment, seed) for seed in seeds]
        same = learn(
            chosen,
            lambda method, *arguments: [getattr(one, method)(*arguments) for one in agents],
        )
        if not all(
            np.array_equal(same.weights[name], learnt.weights[name]) for name in same.weights
        ):
            print("the serial weights are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial weights are identical to the bit")
        serial_s = same.seconds
    if chosen.picture:
        title = f"Policy gradients: {chosen.environment}"
        reward = f"reward of an episode, mean of {WINDOW}"
        picture.curves(
            chosen.picture, title, "steps", reward, {"PPO": (learnt.steps, learnt.rewards)}
        )
    outcome = "no episode has ended"
    if learnt.rewards:
        outcome = (
            f"mean reward {learnt.rewards[0]:.1f} at first, {learnt.rewards[-1]:.1f} after "
            f"{learnt.steps[-1]:.0f} steps"
        )
    name = f"policy_gradient {chosen.environment}"
    record.tell(chosen.record, name, outcome, learnt.seconds, serial_s, workers)
    return 0


def learn(chosen: Namespace, call_all: CallAll) -> Learnt:
    """Plays and changes the weights in turn, until it is solved or the iterations are over."""
    observed, actions = call_all("sizes")[0]  # when this is answered, all agents are there
    weights = initial_weights(observed, actions, chosen.hidden, chosen.seed)
    adam = Adam(weights)
    finished: list[float] = []
    steps = 0
    curve: tuple[list[float], list[float]] = ([], [])
    began = time.perf_counter()
    for iteration in range(chosen.iterations):
        for played in call_all("rollout", weights, chosen.steps // chosen.agents):
            finished += played.rewards
            steps += played.steps
        step = chosen.step * (1 - iteration / chosen.iterations)
        for _ in range(chosen.changes):
            gradients = call_all("gradient", weights, chosen.batch_size // chosen.agents)
            mean = {name: np.mean([one[name] for one in gradients], axis=0) for name in weights}
            weights = adam.descend(weights, mean, step)
        if not finished:
            continue
        curve[0].append(steps)
        curve[1].append(float(np.mean(finished[-WINDOW:])))
        seconds = time.perf_counter() - began
        print(
            f"{steps:8d} steps, {len(finished):5d} episodes, {seconds:6.1f} s: "
            f"mean reward {curve[1][-1]:8.2f}",
            flush=True,
        )
        if chosen.enough is not None and len(finished) >= WINDOW and curve[1][-1] >= chosen.enough:
            print(f"solved: the last {WINDOW} episodes have earned {chosen.enough} and more")
            break
    return Learnt(weights, time.perf_counter() - began, *curve)


def parse_arguments() -> Namespace:
    """The command line."""
    parser = options.parser(__doc__)
    whole = options.at_least_one
    parser.add_argument("--environment", default="CartPole-v1", help="Pong-ram, or of gymnasium")
    parser.add_argument("--agents", type=whole, default=4, help="actors that play")
    parser.add_argument("--iterations", type=whole, default=60, help="turns of play and change")
    parser.add_argument("--steps", type=whole, default=4096, help="of all agents in an iteration")
    parser.add_argument("--changes", type=whole, default=40, help="of weights in an iteration")
    parser.add_argument("--batch-size", type=whole, default=1024, help="steps for each change")
    parser.add_argument("--hidden", type=whole, default=64, help="units of each layer")
    parser.add_argument("--step", type=float, default=2e-3, help="of the optimiser, at first")
    parser.add_argument("--enough", type=float, help="stop at this mean reward of 100 episodes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
