"""What rayx defines, it uses, or it is for users."""

import pytest
from checks import unused
from checks.unused import definitions_of


def found(tree_of, law, source, **others):
    """Lines of rayx/calls/a.py."""
    path = "python/rayx/calls/a.py"
    files = {f"python/rayx/calls/{name}.py": text for name, text in others.items()}
    return [
        one.line for one in unused.check(tree_of({path: source} | files), law) if one.path == path
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import os\ndef lonely(): ...\n",
        "import os\nclass Lonely: ...\n",
        "import os\nLONELY = 1\n",
        "import os\n_lonely: int = 1\n",
        "if os:\n    def lonely(): ...\n",
    ],
)
def test_what_nothing_uses_is_found(tree_of, law, source):
    assert found(tree_of, law, source) == [2]
    # A test, a word in a text or an assignment do not use it.
    text = '"""Of lonely, Lonely and LONELY."""\nLONELY = lonely = 2\n# _lonely\n'
    tree_of(
        {"tests/python/test_a.py": "from rayx.calls.a import lonely, Lonely, LONELY, _lonely\n"}
    )
    assert found(tree_of, law, source, b=text) == [2]


def test_a_method_that_nothing_calls_is_found(tree_of, law):
    source = "class A:\n    def used(self): ...\n    def lonely(self): ...\n\n\nA().used()\n"
    assert found(tree_of, law, source) == [3]


@pytest.mark.parametrize(
    "use",
    [
        "from rayx.calls.a import f\n",
        "a.f()\n",
        "print(f)\n",
        "__all__ = ['f']\n",
        "LATER = {'f': 'calls.a'}\nprint(LATER)\n",
        "def g(x: 'list[f]'): ...\ng(1)\n",
        "print(f'{f()}')\n",
    ],
)
def test_what_is_used_is_not(tree_of, law, use):
    assert found(tree_of, law, "def f(): ...\n", b=use) == []


def test_what_others_call_by_its_name_is_not(tree_of, law):
    source = "class A:\n    def __len__(self): ...\n    def _repr_html_(self): ...\n\n\nA()\n"
    assert found(tree_of, law, source) == []


def test_what_does_not_parse_defines_nothing():
    assert definitions_of("def (:") == []
