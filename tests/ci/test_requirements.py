"""ci/requirements.py: what is installed for the demo, and for the tests."""

import pytest
import requirements
from conftest import CI

PYPROJECT = """
[build-system]
requires = ["builder>=1"]

[project]
dependencies = ["base>=2"]

[project.optional-dependencies]
demo = ["shown"]
test = ["shown", "checked"]
"""


@pytest.fixture
def pyproject(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text(PYPROJECT)
    return path


def test_all_extras_unless_told(pyproject):
    assert requirements.requirements(pyproject) == ["builder>=1", "base>=2", "shown", "checked"]


def test_one_extra(pyproject):
    assert requirements.requirements(pyproject, ["demo"]) == ["builder>=1", "base>=2", "shown"]


def test_an_unknown_extra_is_refused(pyproject):
    with pytest.raises(ValueError, match=r"no extra 'domo'; it has demo, test"):
        requirements.requirements(pyproject, ["domo"])


def test_the_demo_installs_no_linter():
    installed = requirements.requirements(CI.parent / "pyproject.toml", ["demo"])
    assert any(one.startswith("scikit-learn") for one in installed)
    assert not any(one.startswith(("mypy", "ruff", "pyright", "pytest")) for one in installed)
