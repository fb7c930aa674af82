"""Evolution strategies: actors try perturbed policies, and what they earn tells where to go.

    python examples/evolution_strategies/evolution_strategies.py --environment Humanoid-v5
    python examples/evolution_strategies/evolution_strategies.py --environment CartPole-v1 \
        --hidden 16 --pairs 16 --iterations 15 --serial --picture es.png

T. Salimans, J. Ho, X. Chen, S. Sidor, I. Sutskever, "Evolution strategies as a scalable alternative
to reinforcement learning", arXiv:1703.03864, 2017.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import gymnasium
import numpy as np
from policy import Adam, Normaliser, Policy, Rollout, centred_ranks, play

import rayx

# Where the noise of a perturbation begins, and the seed of its episodes.
Pair = tuple[int, int]
DoRollouts = Callable[[np.ndarray, tuple[np.ndarray, np.ndarray], list[Pair]], list[list[Rollout]]]


@rayx.remote
def create_shared_noise(seed: int, count: int) -> np.ndarray:
    """A block of noise that everybody reads and nobody copies."""
    return np.random.default_rng(seed).standard_normal(count, dtype=np.float32)


class Worker:
    """Plays episodes with perturbed weights."""

    def __init__(self, chosen: Namespace, noise: np.ndarray) -> None:
        self.environment = gymnasium.make(chosen.environment)
        self.policy = Policy(self.environment, tuple(chosen.hidden))
        self.noise, self.deviation, self.steps_max = noise, chosen.deviation, chosen.steps_max

    def do_rollouts(
        self,
        theta: np.ndarray,
        mean_and_deviation: tuple[np.ndarray, np.ndarray],
        pairs: list[Pair],
    ) -> list[list[Rollout]]:
        """For each pair, an episode with the perturbation added and one with it subtracted."""
        results = []
        for start, seed in pairs:
            perturbation = self.deviation * self.noise[start : start + self.policy.size]
            results.append(
                [
                    play(
                        self.environment,
                        self.policy,
                        changed,
                        mean_and_deviation,
                        seed,
                        self.steps_max,
                    )
                    for changed in (theta + perturbation, theta - perturbation)
                ]
            )
        return results


def main() -> int:
    """Learns in parallel, and if asked, the same with one worker and without rayx."""
    chosen = parse_arguments()
    with options.start(chosen):
        workers = options.cpus()
        # Made in a task, so that it may be larger than what this process would like to hold.
        noise_id = create_shared_noise.remote(chosen.seed, chosen.noise)
        actor = rayx.remote(Worker)
        actors = [actor.remote(chosen, noise_id) for _ in range(workers)]

        def in_parallel(
            theta: np.ndarray, normal: tuple[np.ndarray, np.ndarray], pairs: list[Pair]
        ) -> list[list[Rollout]]:
            # Stored once for all calls. One pair a call: long episodes must not hold up others.
            theta_id, normal_id = rayx.put(theta), rayx.put(normal)
            return spread(
                actors, pairs, lambda one, pair: one.do_rollouts.remote(theta_id, normal_id, [pair])
            )

        rewards, parallel_s, theta = learn(chosen, rayx.get(noise_id), in_parallel)
    curves, serial_s = {"rayx": rewards}, None
    if chosen.serial:
        noise = create_shared_noise.function(chosen.seed, chosen.noise)
        worker = Worker(chosen, noise)
        curves["one after the other"], serial_s, same = learn(chosen, noise, worker.do_rollouts)
        if not np.array_equal(same, theta):
            print("the serial weights are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial weights are identical to the bit")
    if chosen.picture:
        title = f"Evolution strategies: {chosen.environment}"
        picture.curves(chosen.picture, title, "seconds", "mean reward of an episode", curves)
    outcome = f"mean reward {rewards[1][0]:.1f} at first, {rewards[1][-1]:.1f} in the end"
    name = f"evolution_strategies {chosen.environment}"
    record.tell(chosen.record, name, outcome, parallel_s, serial_s, workers)
    return 0


def spread(actors: list[Any], pairs: list[Pair], call: Callable[[Any, Pair], Any]) -> list[Any]:
    """Gives each actor a pair, and the next when it has done that. Returns in the pairs' order."""
    results: dict[int, Any] = {}
    running: dict[Any, tuple[int, Any]] = {}
    idle = list(actors)

    def take_one() -> None:
        (ready,), _ = rayx.wait(list(running))
        number, actor = running.pop(ready)
        (results[number],) = rayx.get(ready)
        idle.append(actor)

    for number, pair in enumerate(pairs):
        if not idle:
            take_one()
        actor = idle.pop()
        running[call(actor, pair)] = (number, actor)
    while running:
        take_one()
    return [results[number] for number in range(len(pairs))]


def learn(
    chosen: Namespace, noise: np.ndarray, do_rollouts: DoRollouts
) -> tuple[tuple[list[float], list[float]], float, np.ndarray]:
    """The curve of rewards over seconds, how long it took, and the weights in the end."""
    environment = gymnasium.make(chosen.environment)
    policy = Policy(environment, tuple(chosen.hidden))
    environment.close()
    theta = policy.initial(chosen.seed)
    adam, normaliser = Adam(policy.size, chosen.step), Normaliser(policy.observed)
    generator = np.random.default_rng(chosen.seed)
    seconds: list[float] = []
    means: list[float] = []
    # The workers' start is not measured, here nor there.
    do_rollouts(theta, normaliser.mean_and_deviation(), [(0, 0)] * 4)
    began = time.perf_counter()
    for iteration in range(chosen.iterations):
        starts = generator.integers(0, len(noise) - policy.size, chosen.pairs)
        seeds = generator.integers(0, 1 << 31, chosen.pairs)
        pairs = [(int(start), int(seed)) for start, seed in zip(starts, seeds, strict=True)]
        rollouts = do_rollouts(theta, normaliser.mean_and_deviation(), pairs)
        rewards = np.array([[rollout.reward for rollout in both] for both in rollouts])
        for both in rollouts:
            for rollout in both:
                normaliser.add(rollout)
        ranks = centred_ranks(rewards)
        weights = (ranks[:, 0] - ranks[:, 1]) / len(pairs)
        gradient = np.zeros(policy.size, np.float32)
        for weight, (start, _) in zip(weights, pairs, strict=True):
            gradient += weight * noise[start : start + policy.size]
        theta = theta + adam.ascent(gradient - chosen.decay * theta)
        seconds.append(time.perf_counter() - began)
        means.append(float(rewards.mean()))
        print(f"iteration {iteration + 1:3d}: mean reward {means[-1]:8.1f}", flush=True)
    return (seconds, means), seconds[-1], theta


def parse_arguments() -> Namespace:
    """The command line."""
    parser = options.parser(__doc__)
    whole = options.at_least_one
    parser.add_argument("--environment", default="Humanoid-v5", help="of gymnasium")
    parser.add_argument("--iterations", type=whole, default=20)
    parser.add_argument("--pairs", type=whole, default=40, help="perturbations in an iteration")
    parser.add_argument("--steps-max", type=whole, default=1000, help="of an episode")
    parser.add_argument("--hidden", type=whole, nargs="*", default=[], help="units of each layer")
    parser.add_argument("--deviation", type=float, default=0.05, help="of the perturbations")
    parser.add_argument("--step", type=float, default=0.05, help="of the optimiser")
    parser.add_argument("--decay", type=float, default=0.005, help="of the weights")
    parser.add_argument("--noise", type=whole, default=25_000_000, help="numbers in the block")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
