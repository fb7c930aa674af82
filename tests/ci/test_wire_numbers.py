"""Numbers that C++ decides come from _raylet, and are not typed in Python."""

import pytest
from checks import wire_numbers

DOORWAY = {"python/rayx/_raylet/constants.pyi": "NAME_BYTES_MAX: Final[int]\nclass Client: ...\n"}


def found(tree_of, law, source):
    tree = tree_of(DOORWAY | {"python/rayx/calls/a.py": source})
    return [(one.rule, one.line) for one in wire_numbers.check(tree, law)]


@pytest.mark.parametrize(
    "source",
    [
        "import os\n_NAME_BYTES_MAX = 1024\n",
        "import os\n_NAME_BYTES_MAX: Final = 1 << 10\n",
        "import os\n_TIMED_OUT = 2  # InterruptReason::kTimedOut\n",
        "# limits::kWorkerExitMs, less a second.\n_SECONDS_MAX = 4.0\n",
        "# ObjectId::kFunctionIndex.\n_INDEX = b'\\xff\\xff'\n",
        "# As in cpp/common/protocol/object_layout.h.\n_ERRORS = {1: A, 2: B}\n",
        "class A:\n    BIT = 0x40000000  # kStreamCreditBit\n",
    ],
)
def test_a_number_of_cpp_is_found(tree_of, law, source):
    assert found(tree_of, law, source) == [("wire-number", 2)]


@pytest.mark.parametrize(
    "source",
    [
        "from rayx._raylet import NAME_BYTES_MAX\n",
        "# A second less than the node waits.\n_SECONDS_MAX = WORKER_EXIT_MS / 1000 - 1\n",
        "_NAME_BYTES_MAX = len(PREFIX) + 16\n",
        "_SHOWN = 5\n",
        "# Names of StatusCode in cpp/common/base/status.h.\n_ERRORS = {'TimedOut': TimeoutError}\n",
        "# Known to cpp/common/io/process_mark.h.\nNAME = 'MARK'\n",
        "def (:\n",
    ],
)
def test_what_is_pythons_own_is_not(tree_of, law, source):
    assert found(tree_of, law, source) == []
