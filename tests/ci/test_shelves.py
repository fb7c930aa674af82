"""The import law of python/rayx, on tiny packages that break it and on one that does not."""

from dataclasses import replace

import pytest
from checks import shelves
from checks.law import Shelf
from checks.python_imports import imports_of


def shelf(name, *imports, public=False):
    return Shelf(name, (f"python/rayx/{name}",), imports, public)


@pytest.fixture
def small_law(law):
    ground = Shelf("ground", ("python/rayx/errors.py", "python/rayx/_raylet.pyi"), (), False)
    package = Shelf("package", ("python/rayx/__init__.py",), ("ground", "low", "high"), True)
    return replace(
        law, shelves=(ground, shelf("low", "ground"), shelf("high", "ground", "low"), package)
    )


def package(**sources):
    """`low_a="…"` is the text of rayx/low/a.py. The shelves are as they shall be."""
    files = {
        "python/rayx/__init__.py": "from rayx.high.a import f\n",
        "python/rayx/_raylet.pyi": "",
        "python/rayx/errors.py": "",
        "python/rayx/high/a.py": "def f(): ...\n",
    }
    for name in ("low", "high"):
        files[f"python/rayx/{name}/__init__.py"] = ""
        files[f"python/rayx/{name}/README.md"] = f"# {name}\n"
    return files | {f"python/rayx/{k.replace('_', '/', 1)}.py": v for k, v in sources.items()}


def found_in(tree, law):
    return [(one.rule, one.path, one.line) for one in shelves.check(tree, law)]


def test_the_law_allows_what_runs_down(tree_of, small_law):
    tree = tree_of(
        package(
            low_a="from rayx import errors\nfrom rayx._raylet import Client\n",
            low_b="from rayx.low import a\n",
            high_a="from rayx.low.a import x\nimport rayx.low.b\nimport os\n",
        )
    )
    assert found_in(tree, small_law) == []


@pytest.mark.parametrize(
    "upward",
    [
        "from rayx.high import a\n",
        "from rayx.high.a import f\n",
        "import rayx.high.a\n",
        "import rayx.high.a as other\n",
        "from ..high import a\n",
        "from ..high.a import f\n",
        "if TYPE_CHECKING: from rayx.high.a import F\n",
        "def late(): from rayx.high import a\n",
        "importlib.import_module('rayx.high.a')\n",
        "from rayx import f\n",  # of the package itself
    ],
)
def test_an_arrow_upward_is_found_wherever_it_stands(tree_of, small_law, upward):
    tree = tree_of(package(low_a="import os\n" + upward))
    assert ("import-law", "python/rayx/low/a.py", 2) in found_in(tree, small_law)


def test_stubs_count_too(tree_of, small_law):
    tree = tree_of(package() | {"python/rayx/low/types.pyi": "from rayx.high.a import f\n"})
    assert found_in(tree, small_law) == [("import-law", "python/rayx/low/types.pyi", 1)]


def test_a_module_lies_on_a_shelf(tree_of, small_law):
    tree = tree_of(package(lost=""))
    assert found_in(tree, small_law) == [("import-law", "python/rayx/lost.py", 1)]


@pytest.mark.parametrize(
    "back",
    [
        "from rayx.low import c\n",
        "def late(): from rayx.low.c import x\n",
        "if TYPE_CHECKING: from rayx.low.c import X\n",
    ],
)
def test_a_circle_is_found_within_a_shelf(tree_of, small_law, back):
    tree = tree_of(
        package(low_a=back, low_b="from rayx.low import a\n", low_c="import rayx.low.b\n")
    )
    (finding,) = shelves.check(tree, small_law)
    assert finding.rule == "import-cycle"
    assert "low/a.py -> low/c.py -> low/b.py -> low/a.py" in finding.message


def test_a_diamond_is_no_circle(tree_of, small_law):
    tree = tree_of(
        package(
            low_a="from rayx.low import b, c\n",
            low_b="from rayx.low import d\n",
            low_c="from rayx.low import d\n",
            low_d="",
        )
    )
    assert found_in(tree, small_law) == []


def test_a_shelf_says_what_it_is_for_and_imports_nothing_unasked(tree_of, small_law):
    files = package(low_a="")
    del files["python/rayx/low/README.md"]
    files["python/rayx/low/__init__.py"] = "from rayx.low.a import x\n"
    assert found_in(tree_of(files), small_law) == [
        ("readme", "python/rayx/low/README.md", 1),
        ("shelf-init", "python/rayx/low/__init__.py", 1),
    ]


def test_a_shelf_that_is_public_may_offer_names(tree_of, small_law):
    (low,) = (one for one in small_law.shelves if one.name == "low")
    public = [replace(one, public=True) if one is low else one for one in small_law.shelves]
    files = package(low_a="") | {"python/rayx/low/__init__.py": "from rayx.low.a import x\n"}
    assert found_in(tree_of(files), replace(small_law, shelves=tuple(public))) == []


def test_a_shelf_whose_modules_come_together_may_offer_their_names(tree_of, small_law):
    whole = [replace(one, whole=one.name == "low") for one in small_law.shelves]
    files = package(low_a="") | {"python/rayx/low/__init__.py": "from rayx.low.a import x\n"}
    assert found_in(tree_of(files), replace(small_law, shelves=tuple(whole))) == []


def test_a_shelf_has_few_modules(tree_of, small_law):
    most = {f"low_m{number}": "" for number in range(shelves.MODULES_MAX)}
    assert found_in(tree_of(package(**most)), small_law) == []
    assert found_in(tree_of(package(**most, low_more="")), small_law) == [
        ("shelf-size", "python/rayx/low", 1)
    ]


def test_what_does_not_parse_imports_nothing(tree_of):
    assert imports_of(tree_of({"python/rayx/a.py": "def (:\n"}), "python/rayx/a.py") == []
