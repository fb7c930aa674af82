"""What the build has made for tests, beside the product."""

import glob
import os

BUILDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build")
# In a sanitizer's build, what is loaded into other programs needs the sanitizer there.
SANITIZED = ("asan", "tsan")


def built(pattern):
    """The path of the newest file that matches, of the builds that no sanitizer is in."""
    found = [
        path
        for path in glob.glob(os.path.join(BUILDS, "*/rooms/tests", pattern))
        if os.path.relpath(path, BUILDS).split(os.sep)[0] not in SANITIZED
    ]
    assert found, f"{pattern} is not built: run `make build-tests`"
    return os.path.abspath(max(found, key=os.path.getmtime))
