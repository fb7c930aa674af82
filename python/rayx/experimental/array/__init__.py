"""Arrays in parallel: `remote` has numpy's functions as tasks, `distributed` has arrays of blocks.

import rayx.experimental.array.remote as ra
import rayx.experimental.array.distributed as da
"""
