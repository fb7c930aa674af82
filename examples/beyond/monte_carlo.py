"""Monte Carlo: the price of an Asian option from many random paths, with a bar meanwhile.

    python examples/beyond/monte_carlo.py --serial --picture monte_carlo.png

An Asian option pays by how far the mean price of a year lies above the strike. There is no formula
for it; the mean over random paths comes closer with the root of their number.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np

import rayx

SPOT, STRIKE, RATE, VOLATILITY, DAYS = 100.0, 100.0, 0.03, 0.2, 252
PATHS = 20_000


@rayx.remote
def price(seed):
    """Sum and sum of squares of the discounted pay-offs of PATHS paths."""
    generator = np.random.default_rng(seed)
    drift = (RATE - VOLATILITY**2 / 2) / DAYS
    steps = drift + VOLATILITY / np.sqrt(DAYS) * generator.standard_normal((PATHS, DAYS))
    means = SPOT * np.exp(np.cumsum(steps, axis=1)).mean(axis=1)
    paid = np.exp(-RATE) * np.maximum(means - STRIKE, 0)
    return float(paid.sum()), float((paid**2).sum())


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--tasks", type=options.at_least_one, default=60)
    chosen = parser.parse_args()
    # Seeds that are independent, whatever --seed is, and the same in both runs.
    seeds = [int(one) for one in np.random.SeedSequence(chosen.seed).generate_state(chosen.tasks)]
    with options.start(chosen):
        workers = options.cpus()
        rayx.get([price.remote(0) for _ in range(workers)])
        began = time.perf_counter()
        ids = [price.remote(seed) for seed in seeds]
        rayx.progress(ids, "paths")
        sums = rayx.get(ids)
        parallel_s = time.perf_counter() - began
    serial_s = None
    if chosen.serial:
        began = time.perf_counter()
        same = [price.function(seed) for seed in seeds]
        serial_s = time.perf_counter() - began
        if same != sums:
            print("the serial sums are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial sums are identical")
    counts = PATHS * np.arange(1, chosen.tasks + 1)
    totals, squares = np.cumsum(np.array(sums), axis=0).T
    means = totals / counts
    errors = np.sqrt((squares / counts - means**2) / counts)
    if chosen.picture:
        lines = {
            "price": (counts.tolist(), means.tolist()),
            "two standard errors above": (counts.tolist(), (means + 2 * errors).tolist()),
            "two standard errors below": (counts.tolist(), (means - 2 * errors).tolist()),
        }
        picture.curves(chosen.picture, "An Asian option", "paths", "price", lines)
    outcome = f"price {means[-1]:.4f}, standard error {errors[-1]:.4f}"
    record.tell(chosen.record, "monte_carlo", outcome, parallel_s, serial_s, workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
