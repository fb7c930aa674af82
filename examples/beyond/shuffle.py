"""A shuffle of more data than the store holds: rows go to the file of their key, by actors.

    python examples/beyond/shuffle.py --rows 20000000 --serial --picture shuffle.png

Mappers make tables and cut them by key; each piece goes to the actor that collects its keys, which
writes it to a file of its own. Pieces are dropped when they are written, and no more than a few
tables are under way, so that the store needs to hold only these. In the end each actor sums up its
file, and the sums are compared with what they must be.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
import pandas as pd
import pyarrow as pa

import rayx

TABLE_ROWS = 500_000
KEYS = 10_000


def make(number, rows):
    """A table of random keys and values; the same number gives the same table."""
    generator = np.random.default_rng(number)
    return pd.DataFrame(
        {
            "key": generator.integers(0, KEYS, rows),
            "value": generator.integers(0, 1000, rows),
            "weight": generator.random(rows),
        }
    )


def cut(number, rows, parts):
    """The pieces of a table, one for each collector; and the sum of its values, to check by."""
    table = make(number, rows)
    owner = table["key"].to_numpy() % parts
    pieces = [pa.Table.from_pandas(table[owner == part], preserve_index=False)
              for part in range(parts)]  # fmt: skip
    return (*pieces, int(table["value"].sum()))


class Collector:
    """Writes the pieces of some keys to a file, and sums them up in the end."""

    def __init__(self, path):
        self.path, self.sink, self.rows = path, None, 0

    def take(self, piece):
        if self.sink is None:
            self.sink = pa.ipc.new_file(self.path, piece.schema)
        self.sink.write_table(piece)
        self.rows += piece.num_rows

    def sums(self):
        """The sum of the values of each key."""
        if self.sink is None:
            return pd.Series(dtype="int64")
        self.sink.close()
        with pa.memory_map(self.path) as source:
            table = pa.ipc.open_file(source).read_all()
            return (
                table.group_by("key")
                .aggregate([("value", "sum")])
                .to_pandas()
                .set_index("key")["value_sum"]
            )


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--rows", type=options.at_least_one, default=6_000_000)
    parser.add_argument("--parts", type=options.at_least_one, default=4, help="collectors")
    parser.add_argument("--store", type=options.at_least_one, default=96, help="MiB of the store")
    chosen = parser.parse_args()
    tables = [min(TABLE_ROWS, chosen.rows - start) for start in range(0, chosen.rows, TABLE_ROWS)]
    with tempfile.TemporaryDirectory() as folder:
        with options.start(chosen, object_store_memory=chosen.store << 20):
            workers = options.cpus()
            sums, expected, parallel_s = shuffle(chosen, tables, workers, folder)
        serial_s = None
        if chosen.serial:
            began = time.perf_counter()
            collectors = [Collector(f"{folder}/serial-{part}") for part in range(chosen.parts)]
            for number, rows in enumerate(tables):
                for collector, piece in zip(
                    collectors, cut(number, rows, chosen.parts), strict=False
                ):
                    collector.take(piece)
            same = pd.concat([collector.sums() for collector in collectors]).sort_index()
            serial_s = time.perf_counter() - began
            if not same.equals(sums):
                print("the serial sums are DIFFERENT", file=sys.stderr)
                return 1
            print("the serial sums are identical")
    if int(sums.sum()) != expected:
        print(f"{expected} was cut, but {int(sums.sum())} collected", file=sys.stderr)
        return 1
    size_mb = chosen.rows * 24 / 1e6
    if chosen.picture:
        heights = {"data": size_mb, "store": chosen.store * 1.048576}
        picture.bars(chosen.picture, "Shuffled data, and the store it went through", "MB", heights)
    outcome = (
        f"{size_mb:.0f} MB in {len(tables)} tables through a store of {chosen.store} MiB, "
        f"{len(sums):,} keys"
    )
    record.tell(chosen.record, "shuffle", outcome, parallel_s, serial_s, workers)
    return 0


def shuffle(chosen, tables, workers, folder):
    """The sums by key, the sum of all values as the mappers saw them, and the seconds."""
    collector = rayx.remote(Collector)
    collectors = [collector.remote(f"{folder}/part-{part}") for part in range(chosen.parts)]
    mapper = rayx.remote(num_return_vals=chosen.parts + 1)(cut)
    began = time.perf_counter()
    under_way, totals = [], []
    for number, rows in enumerate(tables):
        if len(under_way) >= workers + 1:
            # Those of the oldest table are written, and with that out of the store.
            rayx.get(under_way.pop(0))
        *pieces, total = mapper.remote(number, rows, chosen.parts)
        totals.append(total)
        under_way.append(
            [one.take.remote(piece) for one, piece in zip(collectors, pieces, strict=True)]
        )
    sums = pd.concat(rayx.get([one.sums.remote() for one in collectors])).sort_index()
    return sums, sum(rayx.get(totals)), time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
