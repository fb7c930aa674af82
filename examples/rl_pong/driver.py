"""Learning to play Pong: actors play games and compute gradients, the driver adds these up.

    python examples/rl_pong/driver.py --batch-size 10 --picture pong.png

A game is over after `--points` points: 3 unless told otherwise, 21 in real Pong. What is learnt is
the same, but the network is changed more often.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
import pong

import rayx

# Points over which what is shown is averaged.
WINDOW = 500
# Changes of the network between two lines of output.
LINE = 10

PlayAll = Callable[[pong.Model, np.ndarray], list[pong.Game]]


class PongEnv:
    """An actor: an emulator with the game."""

    def __init__(self, points: int, seed: int) -> None:
        self.environment, self.points = pong.make_environment(), points
        self.generator = np.random.default_rng(seed)
        self.environment.reset(seed=seed)

    def ready(self) -> None:
        """Returns when the emulator is there."""

    def compute_gradient(self, model: pong.Model, baseline: np.ndarray) -> pong.Game:
        """Plays a game."""
        return pong.play(self.environment, self.generator, model, baseline, self.points)


class Learnt(NamedTuple):
    """What a run has given; the lists have a number for each change of the network."""

    model: pong.Model
    seconds: float
    #: All points so far, and over the last of them: the fraction won, and the steps a rally lasts.
    points: list[int]
    won: list[float]
    rallies: list[float]


def main() -> int:
    """Learns in parallel, and if asked, the same in the same games without rayx."""
    parser = options.parser(__doc__)
    whole = options.at_least_one
    parser.add_argument("--batch-size", type=whole, default=10, help="games before each change")
    parser.add_argument("--iterations", type=whole, default=200, help="changes of the network")
    parser.add_argument("--points", type=whole, default=3, help="after which a game is over")
    parser.add_argument("--hidden", type=whole, default=64, help="hidden units")
    parser.add_argument("--step", type=float, default=5e-3, help="of the optimiser")
    chosen = parser.parse_args()
    seeds = [chosen.seed * 1000 + number for number in range(chosen.batch_size)]
    with options.start(chosen):
        workers = min(options.cpus(), chosen.batch_size)
        actor = rayx.remote(PongEnv)
        actors = [actor.remote(chosen.points, seed) for seed in seeds]
        rayx.get([one.ready.remote() for one in actors])

        def in_parallel(model: pong.Model, baseline: np.ndarray) -> list[pong.Game]:
            model_id, baseline_id = rayx.put(model), rayx.put(baseline)
            return rayx.get([one.compute_gradient.remote(model_id, baseline_id) for one in actors])

        learnt = learn(chosen, in_parallel)
    serial_s = None
    if chosen.serial:
        games = [PongEnv(chosen.points, seed) for seed in seeds]
        same = learn(chosen, lambda *known: [game.compute_gradient(*known) for game in games])
        if not all(np.array_equal(same.model[name], learnt.model[name]) for name in same.model):
            print("the serial weights are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial weights are identical to the bit")
        serial_s = same.seconds
    if chosen.picture:
        draw(chosen, learnt)
    outcome = (
        f"{learnt.won[0]:.0%} of points won at first, {learnt.won[-1]:.0%} after "
        f"{learnt.points[-1]} points; rallies of {learnt.rallies[0]:.0f} steps at first, "
        f"{learnt.rallies[-1]:.0f} in the end"
    )
    record.tell(chosen.record, "rl_pong", outcome, learnt.seconds, serial_s, workers)
    return 0


def learn(chosen: Namespace, play_all: PlayAll) -> Learnt:
    """Plays games with the model and changes it by what they say, in turn."""
    model = pong.initial_model(chosen.hidden, chosen.seed)
    adam, baseline = pong.Adam(model, chosen.step), pong.Baseline()
    # Of each batch: its points, those won, its steps.
    counts: list[tuple[int, int, int]] = []
    points, won, rallies = [], [], []
    began = time.perf_counter()
    for iteration in range(1, chosen.iterations + 1):
        games = play_all(model, baseline.expected())
        baseline.add(games)
        steps = sum(len(game.returns) for game in games)
        mean = {name: np.sum([game.gradient[name] for game in games], 0) / steps for name in model}
        model = adam.ascend(model, mean)

        counts.append((sum(game.points for game in games), sum(game.won for game in games), steps))
        batches = max(1, WINDOW // (chosen.batch_size * chosen.points))
        last_points, last_won, last_steps = np.sum(counts[-batches:], axis=0)
        points.append(sum(count[0] for count in counts))
        won.append(float(last_won / last_points))
        rallies.append(float(last_steps / last_points))
        if iteration % LINE == 0 or iteration == chosen.iterations:
            print(
                f"{points[-1]:6d} points, {time.perf_counter() - began:6.1f} s: of the last "
                f"{last_points} points {won[-1]:5.1%} won, {rallies[-1]:5.1f} steps each",
                flush=True,
            )
    return Learnt(model, time.perf_counter() - began, points, won, rallies)


def draw(chosen: Namespace, learnt: Learnt) -> None:
    """How many points are won, of those that were played last."""
    picture.curves(
        chosen.picture,
        f"Pong from pixels, games of {chosen.points} points",
        "points played",
        f"fraction of the last {WINDOW} points that was won",
        {"won": (learnt.points, learnt.won)},
        ylim=(0, None),
    )


if __name__ == "__main__":
    sys.exit(main())
