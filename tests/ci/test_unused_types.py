"""Types of C++ are used by the product, or they are removed."""

from dataclasses import replace

import pytest
from checks import unused_types
from checks.law import Room
from checks.text import code_of
from checks.unused_types import parts_of

SOURCE = """
#include "a.h"
namespace rayx {
class Declared;
template <typename T>
struct Box final : Base<T> {
 public:
  using Item = T;
  enum class Color : uint8_t { kRed };
  Box() = default;
  struct Inner { int a; };
  Item Get(struct Other* other) const { struct Local {}; return {}; }
};
template <>
struct Hash<Box<int>> {};
struct Point point;
Box<int>::Inner Box<int>::Make() { return {}; }
Status Point::Move(int by) { return {}; }
using Name = std::string;
using base::Status;
}
"""


def found(tree_of, law, files):
    """(path, line) of each."""
    return sorted((one.path, one.line) for one in unused_types.check(tree_of(files), law))


def test_what_declares_a_type():
    parts = parts_of(code_of("a.cc", SOURCE))
    names = [part.name for part in parts if part.is_declaration]
    assert names == ["Declared", "Box", "Item", "Color", "Inner", "Name"]
    assert [part.name for part in parts if not part.is_declaration] == ["Point"]


@pytest.mark.parametrize(
    "declaration",
    [
        "struct Lonely {\n  Lonely();\n  Lonely* next;\n};",
        "class Lonely final : public Base {};",
        "enum class Lonely : int { kOne };",
        "using Lonely = int;",
        "class Lonely;",
        "template <typename T>\nstruct Lonely {};",
        "namespace {\nunion Lonely { int a; };\n}",
        "class Used {\n  struct Lonely {};\n};\nUsed used;",
    ],
)
def test_a_type_that_nothing_names_is_found(tree_of, law, declaration):
    files = {"cpp/room/a.h": f"namespace rayx {{\n{declaration}\n}}\n"}
    ((path, _),) = found(tree_of, law, files)
    assert path == "cpp/room/a.h"
    # Its own methods, a test, a comment and a text do not use it.
    files["cpp/room/a.cc"] = (
        'Lonely::Lonely() : next(new Lonely()) {}\n// Lonely\nauto a = "Lonely";'
    )
    files["tests/cpp/room/a_test.cc"] = "Lonely lonely;\n"
    files["benchmarks/a.cc"] = "Lonely lonely;\n"
    assert {path for path, _ in found(tree_of, law, files)} == {"cpp/room/a.h"}


@pytest.mark.parametrize(
    "use",
    [
        {"cpp/room/b.cc": "void F(const Lonely& lonely);\n"},
        {"cpp/room/b.cc": "auto made = Lonely::Make();\n"},
        {"cpp/room/b.cc": "Status F() { return With<Lonely>(1); }\n"},
        {"cpp/room/b.cc": "struct Derived : Lonely {};\nDerived derived;\n"},
        {"python/rayx/includes/a.pxd": "    cdef cppclass Lonely:\n"},
    ],
)
def test_a_type_that_the_product_names_is_not(tree_of, law, use):
    assert found(tree_of, law, {"cpp/room/a.h": "struct Lonely {};\n"} | use) == []


def test_a_room_may_be_ahead_of_its_use(tree_of, law):
    ahead = replace(law, rooms=(Room("room", "cpp/room", (), False, ahead=True),))
    assert found(tree_of, ahead, {"cpp/room/a.h": "struct Lonely {};\n"}) == []
    elsewhere = {"cpp/other/a.h": "struct Lonely {};\n", "cpp/room/a.h": "struct Early {};\n"}
    assert found(tree_of, ahead, elsewhere) == [("cpp/other/a.h", 1)]


def test_a_room_that_is_used_is_not_ahead(tree_of, law):
    ahead = replace(law, rooms=(Room("room", "cpp/room", (), False, ahead=True),))
    files = {"cpp/room/a.h": "struct Used {};\n", "cpp/a.cc": "Used used;\n"}
    assert found(tree_of, ahead, files) == [("ci/layers.toml", 1)]
