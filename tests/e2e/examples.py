"""Runs a program of examples/ as a user does, and reads what it has recorded."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

PLACE = Path(__file__).parents[2] / "examples"


def run(path, *arguments, tmp_path, exit_code=0):
    """Its figures, and what it has printed. It must print no warnings and draw a picture."""
    recorded, drawn = tmp_path / "figures.json", tmp_path / "picture.png"
    command = [sys.executable, str(PLACE / path), *map(str, arguments)]
    command += ["--record", str(recorded), "--picture", str(drawn)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode == exit_code, done.stdout + done.stderr
    if exit_code:
        return None, done.stderr
    assert drawn.read_bytes().startswith(b"\x89PNG")
    return json.loads(recorded.read_text()), done.stdout


def refused(path, *arguments):
    """What a program says of a command line that makes no sense."""
    command = [sys.executable, str(PLACE / path), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "usage:" in done.stderr
    return done.stderr


@contextlib.contextmanager
def modules(folder):
    """In it, the modules of an example can be imported. Others have some of the same names."""
    place, before = str(PLACE / folder), set(sys.modules)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(place):
                del sys.modules[name]


def slopes_of(function, vector, small=1e-5):
    """The gradient of a function at a vector of float64, by trying."""
    slopes = vector.copy()
    for place, value in enumerate(vector):
        ends = []
        for changed in (value + small, value - small):
            vector[place] = changed
            ends.append(function(vector))
        vector[place] = value
        slopes[place] = (ends[0] - ends[1]) / (2 * small)
    return slopes
