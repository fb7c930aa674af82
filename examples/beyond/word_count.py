"""Map-reduce: the words of all Python sources of this installation, counted.

    python examples/beyond/word_count.py --serial --picture words.png

Files are read and counted in tasks. Each count is cut into parts by word, and each reducer adds up
one part of all counts, so that no process ever has all words.
"""

import re
import sys
import sysconfig
import time
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

import rayx

WORD = re.compile(r"[A-Za-z]{3,}")
SHOWN = 12


def count(paths, parts):
    """Counts of the words of some files, cut into parts by word."""
    words = Counter()
    for path in paths:
        words.update(WORD.findall(Path(path).read_text(errors="replace").lower()))
    cut = [Counter() for _ in range(parts)]
    for word, times in words.items():
        # Not hash(), which differs from process to process.
        cut[zlib.crc32(word.encode()) % parts][word] = times
    return cut if parts > 1 else cut[0]


def add_up(*counts):
    """The sum of the counts of one part: how many words, how often any, and the most frequent."""
    total = Counter()
    for one in counts:
        total.update(one)
    return len(total), sum(total.values()), total.most_common(SHOWN)


def main():
    parser = options.parser(__doc__)
    installed = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    parser.add_argument("--folder", type=Path, nargs="+", default=installed, help="of Python files")
    parser.add_argument("--files", type=options.at_least_one, default=1500, help="at most")
    parser.add_argument("--parts", type=options.at_least_one, default=4, help="reducers")
    chosen = parser.parse_args()
    found_files = {str(path) for folder in chosen.folder for path in folder.rglob("*.py")}
    files = sorted(found_files)[: chosen.files]
    if not files:
        parser.error(f"there are no Python files in {', '.join(map(str, chosen.folder))}")
    # Every n-th file, so that each group has large and small ones.
    groups = [files[start::50] for start in range(min(50, len(files)))]
    with options.start(chosen):
        workers = options.cpus()
        mapper = rayx.remote(num_return_vals=chosen.parts)(count)
        reducer = rayx.remote(add_up)
        rayx.get([reducer.remote(Counter()) for _ in range(workers)])
        began = time.perf_counter()
        counted = [mapper.remote(group, chosen.parts) for group in groups]
        columns = [counted] if chosen.parts == 1 else list(zip(*counted, strict=True))
        found = rayx.get([reducer.remote(*column) for column in columns])
        parallel_s = time.perf_counter() - began
    serial_s = None
    if chosen.serial:
        began = time.perf_counter()
        rows = [count(group, chosen.parts) for group in groups]
        columns = [rows] if chosen.parts == 1 else list(zip(*rows, strict=True))
        same = [add_up(*column) for column in columns]
        serial_s = time.perf_counter() - began
        if same != found:
            print("the serial counts are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial counts are identical")
    frequent = sorted((pair for _, _, most in found for pair in most), key=lambda pair: -pair[1])
    for word, times in frequent[:SHOWN]:
        print(f"{times:8,d}  {word}")
    if chosen.picture:
        title = f"The most frequent words of {len(files):,} Python files"
        picture.bars(chosen.picture, title, "times", dict(frequent[:SHOWN]))
    different, total = sum(one[0] for one in found), sum(one[1] for one in found)
    outcome = f"{total:,} words, {different:,} different ones, in {len(files):,} files"
    record.tell(chosen.record, "word_count", outcome, parallel_s, serial_s, workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
