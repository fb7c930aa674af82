"""What `make` installs: an extra that consists of others brings theirs, and never rayx itself."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
spec = importlib.util.spec_from_file_location("requirements", ROOT / "ci" / "requirements.py")
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)


def names(*extras):
    found = program.requirements(ROOT / "pyproject.toml", extras or None)
    return [requirement.split(">")[0].split("[")[0].split("=")[0] for requirement in found]


def test_the_demo_is_light():
    found = names("demo")
    assert {"cython", "cloudpickle", "numpy", "scikit-learn"} <= set(found)
    assert not {"tensorflow-cpu", "matplotlib", "gymnasium", "pytest", "ruff"} & set(found)


def test_tests_bring_what_the_examples_need():
    assert {"pytest", "tensorflow-cpu", "mlxtend", "numpy"} <= set(names("test"))


def test_everything_is_named_once_and_rayx_never():
    found = names()
    assert {"sphinx", "ruff", "pytest", "mujoco"} <= set(found)
    assert len(found) == len(set(found))
    assert "rayx" not in found
