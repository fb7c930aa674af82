"""Prints Python requirements of pyproject.toml, a line each, for one `pip install -r`.

    ci/requirements.py                 of the build, of the package and of all its extras
    ci/requirements.py demo            the same with these extras only
    ci/requirements.py none            the same without extras

pip can install a project's requirements only together with the project, and building the project
without isolation needs them before.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def requirements(pyproject: Path, extras: Iterable[str] | None = None) -> list[str]:
    """Of the build, of the package, and of these extras, or all; without repetitions."""
    data = tomllib.loads(pyproject.read_text())
    project = data["project"]
    optional = project["optional-dependencies"]
    # An extra that consists of others refers to them as `name[extra]`, which is not to be fetched.
    own = re.compile(rf"{re.escape(project['name'])}\[([\w,\s-]+)\]")

    def of(extra: str) -> Iterator[str]:
        for requirement in optional[extra]:
            if refers := own.fullmatch(requirement):
                for other in refers[1].split(","):
                    yield from of(other.strip())
            else:
                yield requirement

    found = [*data["build-system"]["requires"], *project["dependencies"]]
    for extra in optional if extras is None else extras:
        found += of(extra)
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    words = sys.argv[1:]
    print("\n".join(requirements(PYPROJECT, () if words == ["none"] else words or None)))
