"""Prints requirements of pyproject.toml, a line each, for one `pip install -r`.

    python ci/requirements.py demo       what `make demo` needs
    python ci/requirements.py            what `make test` needs

pip can install a project's requirements only together with the project, and building the project
without isolation needs them before.
"""

import sys
import tomllib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path


def requirements(pyproject: Path, extras: Sequence[str] = ()) -> list[str]:
    """Of the build, of the package, and of these extras, or of all; without repetitions.

    Raises ValueError if there is no such extra.
    """
    data = tomllib.loads(pyproject.read_text())
    known = data["project"]["optional-dependencies"]
    for extra in extras:
        if extra not in known:
            raise ValueError(f"{pyproject} has no extra {extra!r}; it has {', '.join(known)}")
    lists = [data["build-system"]["requires"], data["project"]["dependencies"]]
    lists += [known[extra] for extra in extras or known]
    return list(dict.fromkeys(chain.from_iterable(lists)))


if __name__ == "__main__":
    print("\n".join(requirements(Path(__file__).parent.parent / "pyproject.toml", sys.argv[1:])))
