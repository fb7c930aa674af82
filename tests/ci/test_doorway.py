"""What the Cython of the doorway may not do, planted in tiny packages."""

import pytest
from checks import doorway


def found_in(tree, law):
    return [(one.rule, one.path, one.line) for one in doorway.check(tree, law)]


def package(**sources):
    """`ids_pyx="…"` is the text of rayx/_raylet/ids.pyx."""
    return {f"python/rayx/_raylet/{name.replace('_', '.')}": text for name, text in sources.items()}


GOOD = package(
    ids_pxd="from rayx._raylet.cpp cimport CObjectId\n\ncdef class ObjectID:\n    cdef CObjectId id\n",
    ids_pyx="from rayx._raylet.ids cimport ObjectID\n",
    tasks_pyx="from rayx._raylet cimport ids\nfrom rayx._raylet.ids cimport (\n    ObjectID,\n    adopt)\n",
    cpp_pxd='cdef extern from "common/base/ids.h":\n    pass\n# include "ids.pxi"\n',
)


def test_what_names_its_needs_is_good(tree_of, law):
    assert found_in(tree_of(GOOD), law) == []


@pytest.mark.parametrize(
    "line", ['include "ids.pxi"', "include 'ids.pxi'", 'if X:\n    include "a"']
)
def test_a_textual_include_is_refused(tree_of, law, line):
    tree = tree_of(GOOD | package(a_pyx=f"\n{line}\n"))
    where = 2 + line.count("\n")
    assert found_in(tree, law) == [("textual-include", "python/rayx/_raylet/a.pyx", where)]


def test_so_is_text_to_be_included(tree_of, law):
    tree = tree_of(GOOD | package(a_pxi="cdef int a\n"))
    assert found_in(tree, law) == [("textual-include", "python/rayx/_raylet/a.pxi", 1)]


@pytest.mark.parametrize("line", ["from rayx._raylet.ids cimport *", "from os import *"])
def test_a_star_is_refused(tree_of, law, line):
    tree = tree_of(GOOD | package(a_pyx=f"{line}\n"))
    assert found_in(tree, law) == [("star-import", "python/rayx/_raylet/a.pyx", 1)]


@pytest.mark.parametrize(
    "back",
    [
        "from rayx._raylet.b cimport x\n",
        "from rayx._raylet cimport b\n",
        "cimport rayx._raylet.b\n",
        "from rayx._raylet.b cimport (\n    x, y)\n",
    ],
)
def test_a_circle_of_cimports_is_found(tree_of, law, back):
    """Through a .pyx here and a .pxd there: the two are one module."""
    tree = tree_of(package(a_pyx="", a_pxd=back, b_pyx="from rayx._raylet.a cimport y\n", b_pxd=""))
    (finding,) = doorway.check(tree, law)
    assert (finding.rule, finding.path) == ("import-cycle", "python/rayx/_raylet/a.pyx")
    assert "rayx._raylet.a -> rayx._raylet.b -> rayx._raylet.a" in finding.message
