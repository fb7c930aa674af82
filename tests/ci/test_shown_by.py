"""The tests that tests/README.md names are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
NAMED = re.findall(r"`((?:\w+/)+\w+\.(?:py|cc))(?:::(\w+))?`", (TESTS / "README.md").read_text())


def test_what_is_named_exists():
    assert len(NAMED) > 50
    for path, name in NAMED:
        if path.startswith("ci/"):
            continue
        text = (TESTS / path).read_text()
        assert not name or f"def {name}(" in text, (path, name)
