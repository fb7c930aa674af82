"""Prints every Python requirement of pyproject.toml, a line each, for one `pip install -r`.

pip can install a project's requirements only together with the project, and building the project
without isolation needs them before.
"""

import tomllib
from itertools import chain
from pathlib import Path


def requirements(pyproject: Path) -> list[str]:
    """Of the build, of the package, and of all its extras; without repetitions."""
    data = tomllib.loads(pyproject.read_text())
    extras = data["project"]["optional-dependencies"].values()
    lists = [data["build-system"]["requires"], data["project"]["dependencies"], *extras]
    return list(dict.fromkeys(chain.from_iterable(lists)))


if __name__ == "__main__":
    print("\n".join(requirements(Path(__file__).parent.parent / "pyproject.toml")))
