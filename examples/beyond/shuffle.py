"""A shuffle of more data than the store holds: rows of CSV files go to a Parquet file by their key.

    python examples/beyond/shuffle.py --files 60 --serial --picture shuffle.png

Mappers read a file and cut it by key; each piece goes to the actor that collects its keys, which
writes it, compressed. Pieces are dropped when they are written, and no more than a few files are
under way, so that the store needs to hold only these. In the end each actor sorts its rows and adds
up the values of each key; the sums are compared with what was written into the CSV files.
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
import pyarrow.csv
import pyarrow.parquet

import rayx

ROWS = 100_000
KEYS = 10_000
# Of compression: what is kept for long is worth some time.
LEVEL = 12
ROW_BYTES = 32  # in memory: four columns of eight bytes


def make(path, number):
    """Writes a file of random rows; returns the sum of its values."""
    generator = np.random.default_rng(number)
    values = generator.integers(0, 1000, ROWS)
    columns = {
        "key": generator.integers(0, KEYS, ROWS),
        "value": values,
        "weight": generator.random(ROWS),
        "height": generator.normal(170, 10, ROWS),
    }
    pyarrow.csv.write_csv(pa.table(columns), path)
    return int(values.sum())


def cut(path, parts):
    """The rows of a file in pieces, one for each collector."""
    table = pd.read_csv(path)
    owner = table["key"].to_numpy() % parts
    pieces = [
        pa.Table.from_pandas(table.loc[owner == part], preserve_index=False)
        for part in range(parts)
    ]
    return pieces if parts > 1 else pieces[0]


class Collector:
    """Writes the rows of some keys to a file, and adds them up in the end."""

    def __init__(self, path):
        self.path, self.sink = path, None

    def take(self, piece):
        if self.sink is None:
            self.sink = pyarrow.parquet.ParquetWriter(
                self.path, piece.schema, compression="zstd", compression_level=LEVEL
            )
        self.sink.write_table(piece)

    def sums(self):
        """The sum of the values of each key, in their order."""
        if self.sink is None:
            return np.empty((0, 2), np.int64)
        self.sink.close()
        table = pyarrow.parquet.read_table(self.path, columns=["key", "value"], use_threads=False)
        summed = table.to_pandas().sort_values("key", kind="stable").groupby("key")["value"].sum()
        return np.column_stack([summed.index.to_numpy(), summed.to_numpy()])


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--files", type=options.at_least_one, default=30, help="of 100,000 rows")
    parser.add_argument("--parts", type=options.at_least_one, default=4, help="collectors")
    parser.add_argument("--store", type=options.at_least_one, default=64, help="MiB of the store")
    chosen = parser.parse_args()
    serial_s = None
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{number}.csv" for number in range(chosen.files)]
        with options.start(chosen, object_store_memory=chosen.store << 20):
            workers = options.cpus()
            maker = rayx.remote(make)
            expected = sum(
                rayx.get([maker.remote(*one) for one in zip(paths, range(len(paths)), strict=True)])
            )
            shuffle(chosen, paths[:workers], workers, folder)  # imports, actors: not measured
            began = time.perf_counter()
            sums = shuffle(chosen, paths, workers, folder)
            parallel_s = time.perf_counter() - began
        if chosen.serial:
            began = time.perf_counter()
            same = shuffle_serially(chosen, paths, folder)
            serial_s = time.perf_counter() - began
            if not np.array_equal(same, sums):
                print("the serial sums are DIFFERENT", file=sys.stderr)
                return 1
            print("the serial sums are identical")
    if int(sums[:, 1].sum()) != expected:
        print(f"{expected} was written, but {sums[:, 1].sum()} collected", file=sys.stderr)
        return 1
    size_mb = chosen.files * ROWS * ROW_BYTES / 1e6
    if chosen.picture:
        heights = {"rows shuffled": size_mb, "object store": chosen.store * 1.048576}
        picture.bars(chosen.picture, "A shuffle through a smaller store", "MB", heights)
    outcome = (
        f"{size_mb:.0f} MB of rows from {chosen.files} files through a store of "
        f"{chosen.store} MiB, {len(sums):,} keys"
    )
    record.tell(chosen.record, "shuffle", outcome, parallel_s, serial_s, workers)
    return 0


def shuffle(chosen, paths, workers, folder):
    """Keys and sums of their values, in the order of keys."""
    collector = rayx.remote(Collector)
    collectors = [collector.remote(f"{folder}/part-{part}") for part in range(chosen.parts)]
    mapper = rayx.remote(num_return_vals=chosen.parts)(cut)
    under_way = []
    for path in paths:
        if len(under_way) >= 2 * workers:
            # Those of the oldest file are written, and with that out of the store.
            rayx.get(under_way.pop(0))
        pieces = mapper.remote(path, chosen.parts)
        if chosen.parts == 1:
            pieces = [pieces]
        under_way.append(
            [one.take.remote(piece) for one, piece in zip(collectors, pieces, strict=True)]
        )
    return in_order(rayx.get([one.sums.remote() for one in collectors]))


def shuffle_serially(chosen, paths, folder):
    """The same without rayx."""
    collectors = [Collector(f"{folder}/serial-{part}") for part in range(chosen.parts)]
    for path in paths:
        pieces = cut(path, chosen.parts)
        for collector, piece in zip(
            collectors, pieces if chosen.parts > 1 else [pieces], strict=True
        ):
            collector.take(piece)
    return in_order([collector.sums() for collector in collectors])


def in_order(parts):
    """The parts as one array."""
    whole = np.concatenate(parts)
    return whole[np.argsort(whole[:, 0])]


if __name__ == "__main__":
    sys.exit(main())
