"""The limits of files and functions, and the ratchet that holds what is over them."""

import json

import pytest
from checks import functions, ratchet, text
from checks.finding import Finding


def rules_of(findings: list[Finding]) -> list[tuple[str, str]]:
    return sorted({(finding.rule, finding.path) for finding in findings})


CPP = """
namespace rayx {

#define BODY(x) \\
  { x }

struct Point {
  int x = 0;
  Point() : x{1}, y_{2} {
    x = 2;
  }
  int Sum() const { return x + y_; }
  int y_;
};

const std::vector<int> kValues = {1, 2, 3};
int Declared(int value);

template <typename T, int n = (3 > 2)>
T Longest(
    T value) {
  auto f = [&](int a) {
    return a;
  };
  if (value) {
    return f(1);
  }
  return T{0};
}

TEST(Room, Name) {
  const char* text = "{{{";
}

}  // namespace rayx
"""


def test_cpp_functions():
    found = functions.cpp_functions(CPP, text.cpp_code(CPP))
    assert [(f.name, f.lines) for f in found] == [
        ("Point", 3),
        ("Sum", 1),
        ("Longest", 11),
        ("TEST(Room, Name)", 3),
    ]


def test_python_functions():
    source = "class A:\n    def b(self):\n        def c():\n            pass\n        return c\n\n\ndef d(): ...\n"
    found = functions.python_functions(source)
    assert [(f.name, f.line, f.lines) for f in found] == [("A.b", 2, 4), ("d", 8, 1)]


def test_cython_functions():
    source = (
        "cdef extern from 'x.h':\n    int f(int)\n\n"
        "cdef class Client:\n    cdef int fd\n\n"
        "    cpdef int ask(\n        self, int value\n    ) except -1:\n        return value\n\n"
        "    def close(self):\n\n        pass\n\n\ndef g(): return 1\n"
    )
    found = functions.cython_functions(source)
    assert [(f.name, f.line, f.lines) for f in found] == [("ask", 7, 4), ("close", 12, 3)]


def long_function(lines: int) -> str:
    body = "  Step();\n" * (lines - 2)
    return f"void Long() {{\n{body}}}\n"


def ratchet_of(**functions_: int) -> str:
    entries = {f"cpp/plasma/a.cc::{name}": lines for name, lines in functions_.items()}
    return json.dumps({"files": {}, "functions": entries})


def test_sizes_within_the_limits(tree_of, law):
    tree = tree_of({"cpp/plasma/a.cc": long_function(70), "cpp/plasma/b.cc": "\n" * 500})
    assert ratchet.check(tree, law) == []


def test_sizes_over_the_limits(tree_of, law):
    tree = tree_of({"cpp/plasma/a.cc": long_function(71), "python/rayx/b.py": "\n" * 501})
    found = rules_of(ratchet.check(tree, law))
    assert found == [("file-length", "python/rayx/b.py"), ("function-length", "cpp/plasma/a.cc")]


def test_what_is_recorded_may_stay_but_not_grow(tree_of, law):
    files = {"cpp/plasma/a.cc": long_function(90), "ci/ratchet.json": ratchet_of(Long=90)}
    assert ratchet.check(tree_of(files), law) == []
    grown = tree_of({"cpp/plasma/a.cc": long_function(91)})
    assert rules_of(ratchet.check(grown, law)) == [("function-length", "cpp/plasma/a.cc")]


@pytest.mark.parametrize(("lines", "left"), [(80, {"cpp/plasma/a.cc::Long": 80}), (60, {})])
def test_what_shrank_is_lowered(tree_of, law, lines, left):
    files = {"cpp/plasma/a.cc": long_function(lines), "ci/ratchet.json": ratchet_of(Long=90)}
    tree = tree_of(files)
    assert rules_of(ratchet.check(tree, law)) == [("ratchet", "ci/ratchet.json")]
    assert ratchet.update(tree) != []
    assert ratchet.check(tree, law) == []
    assert json.loads((tree.root / "ci/ratchet.json").read_text())["functions"] == left


def test_update_never_raises_a_figure(tree_of, law):
    files = {"cpp/plasma/a.cc": long_function(95), "ci/ratchet.json": ratchet_of(Long=90)}
    tree = tree_of(files)
    assert ratchet.update(tree) == []
    assert rules_of(ratchet.check(tree, law)) == [("function-length", "cpp/plasma/a.cc")]
