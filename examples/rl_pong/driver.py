"""Learning to play Pong: actors play games and compute gradients, the driver adds these up.

    python examples/rl_pong/driver.py --batch-size 10 --iterations 300 --picture pong.png

A game is over after `--points` points, 21 in real Pong. Shorter games need fewer seconds, and a
batch of them fewer points, before the network is changed.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
import pong

import rayx

# Games over which rewards are averaged to be shown.
WINDOW = 100


class PongEnv:
    """An emulator with the game."""

    def __init__(self, points):
        self.environment, self.points = pong.make_environment(), points

    def compute_gradient(self, model, seed):
        """Plays a game."""
        return pong.play(self.environment, model, seed, self.points)


def main():
    parser = options.parser(__doc__)
    whole = options.at_least_one
    parser.add_argument("--batch-size", type=whole, default=10, help="games before each change")
    parser.add_argument("--iterations", type=whole, default=100, help="changes of the network")
    parser.add_argument("--points", type=whole, default=5, help="after which a game is over")
    parser.add_argument("--hidden", type=whole, default=100, help="hidden units")
    parser.add_argument("--step", type=float, default=2e-3, help="of the optimiser")
    chosen = parser.parse_args()
    with options.start(chosen):
        workers = options.cpus()
        actor = rayx.remote(PongEnv)
        actors = [actor.remote(chosen.points) for _ in range(chosen.batch_size)]

        def in_parallel(model, seeds):
            model_id = rayx.put(model)
            return rayx.get(
                [
                    one.compute_gradient.remote(model_id, seed)
                    for one, seed in zip(actors, seeds, strict=True)
                ]
            )

        model, curve, parallel_s = learn(chosen, in_parallel)
    serial_s = None
    if chosen.serial:
        alone = PongEnv(chosen.points)
        same, _, serial_s = learn(
            chosen, lambda model, seeds: [alone.compute_gradient(model, seed) for seed in seeds]
        )
        if not all(np.array_equal(same[name], model[name]) for name in model):
            print("the serial weights are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial weights are identical to the bit")
    games = list(range(1, len(curve) + 1))
    if chosen.picture:
        title = f"Pong from pixels: games of {chosen.points} points"
        lines = {"won less lost, of a point": (games, curve)}
        picture.curves(chosen.picture, title, "games", "reward of a point", lines)
    first, last = np.mean(curve[:WINDOW]), curve[-1]
    outcome = f"reward of a point {first:.3f} at first, {last:.3f} in the end"
    record.tell(chosen.record, "rl_pong", outcome, parallel_s, serial_s, workers, games=len(games))
    return 0


def learn(chosen, play_all):
    """The model, the mean reward of a point over the last games after each game, and seconds."""
    model = pong.initial_model(chosen.hidden, chosen.seed)
    optimizer = pong.RmsProp(model, chosen.step)
    seeds = np.random.default_rng(chosen.seed)
    rewards, points, curve = [], [], []
    play_all(model, [0] * chosen.batch_size)  # starts the emulators
    began = time.perf_counter()
    for iteration in range(chosen.iterations):
        batch = [int(seed) for seed in seeds.integers(0, 1 << 31, chosen.batch_size)]
        games = play_all(model, batch)
        total = {name: sum(game.gradient[name] for game in games) for name in model}
        model = optimizer.ascend(model, total)
        for game in games:
            rewards.append(game.reward)
            points.append(game.points)
            curve.append(sum(rewards[-WINDOW:]) / sum(points[-WINDOW:]))
        if iteration % 10 == 9 or iteration + 1 == chosen.iterations:
            seconds = time.perf_counter() - began
            print(
                f"{len(rewards):6d} games, {seconds:6.1f} s: a point is worth {curve[-1]:+.3f}, "
                f"{sum(game.steps for game in games) / sum(game.points for game in games):.0f} "
                "steps a point",
                flush=True,
            )
    return model, curve, time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
