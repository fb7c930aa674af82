"""The functions of a source and how long they are: exact for Python, else approximate."""

import ast
import re
from dataclasses import dataclass

from checks.text import line_of
from checks.tree import Tree


@dataclass(frozen=True)
class Function:
    """A function with a body; `lines` counts signature and body."""

    name: str
    line: int
    lines: int


def functions_of(tree: Tree, path: str) -> list[Function]:
    """The outermost functions of a source; those inside others count with them."""
    if path.endswith((".h", ".cc")):
        return cpp_functions(tree.text(path), tree.code(path))
    if path.endswith(".py"):
        return python_functions(tree.text(path))
    if path.endswith((".pyx", ".pxd")):
        return cython_functions(tree.code(path))
    return []


# ---- C++ -----------------------------------------------------------------------------------------

_PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_NOT_A_FUNCTION = re.compile(r"\s*(?:namespace|class|struct|enum|union|extern\s*$)\b")
_ATTRIBUTES = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^)]*\)", re.DOTALL)
_TEMPLATE = re.compile(r"\s*template\s*<")
_TEST = re.compile(r"\b(TEST|TEST_F|TEST_P|BENCHMARK\w*)\s*\(([^)]*)\)")
_NAME = re.compile(r"([\w:~]+|operator\s*[^\s(]+)\s*\(")


def cpp_functions(source: str, code: str) -> list[Function]:
    """By braces: a `{` after something with parentheses, in no other function, begins a body."""
    code = _PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)
    found = []
    boundary = 0  # where the text since the last ; { } begins
    at = 0
    while at < len(code):
        character = code[at]
        if character in ";}":
            boundary = at + 1
        elif character == "(":
            at = closing(code, at)
        elif character == "{":
            signature = code[boundary:at]
            if _is_initializer(code, boundary, at):
                at = closing(code, at)
            elif _begins_function(signature):
                end = closing(code, at)
                start = boundary + len(signature) - len(signature.lstrip())
                first, last = line_of(code, start), line_of(code, end)
                name = _cpp_name(source[boundary:at], signature)
                found.append(Function(name, first, last - first + 1))
                at = end
                boundary = at + 1
            else:
                boundary = at + 1
        at += 1
    return found


def _is_initializer(code: str, boundary: int, brace: int) -> bool:
    """Whether a `{` begins a value: `a_{1}`, `= {`, `({`. A body has a space before its brace."""
    before = code[boundary:brace].rstrip()
    if not before:
        return False
    touching = code[brace - 1]
    return (
        touching.isalnum() or touching in "_>" or before[-1] in "=(,<" or before.endswith("return")
    )


def _begins_function(signature: str) -> bool:
    words = _ATTRIBUTES.sub("", signature)
    template = _TEMPLATE.match(words)
    if template:
        words = words[closing(words, template.end() - 1) + 1 :]
    words = re.sub(r"\b(public|private|protected)\s*:", "", words)
    return "(" in words and not _NOT_A_FUNCTION.match(words)


def _cpp_name(source: str, signature: str) -> str:
    test = _TEST.search(source)
    if test:
        return f"{test.group(1)}({test.group(2)})"
    name = _NAME.search(_ATTRIBUTES.sub("", signature))
    return name.group(1) if name else "lambda"


def closing(code: str, at: int) -> int:
    """The offset of the bracket that closes the one at `at`; the end, if nothing does."""
    first = code[at]
    last = {"(": ")", "[": "]", "{": "}", "<": ">"}[first]
    depth = 0
    for index in range(at, len(code)):
        if code[index] == first:
            depth += 1
        elif code[index] == last:
            depth -= 1
            if depth == 0:
                return index
    return len(code) - 1


# ---- Python and Cython ---------------------------------------------------------------------------


def python_functions(source: str) -> list[Function]:
    """By the parser; none, if it does not parse (ruff will say so)."""
    try:
        module = ast.parse(source)
    except SyntaxError:
        return []
    found = []
    waiting: list[tuple[str, ast.AST]] = [("", module)]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                last = child.end_lineno or child.lineno
                found.append(Function(prefix + child.name, child.lineno, last - child.lineno + 1))
            elif isinstance(child, ast.ClassDef):
                waiting.append((f"{prefix}{child.name}.", child))
            else:
                waiting.append((prefix, child))
    return sorted(found, key=lambda function: function.line)


_CYTHON_DEF = re.compile(
    r"(\s*)(?:async\s+def|def|cpdef|cdef)\b(?!\s+(?:class|extern|enum|struct))"
)


def cython_functions(code: str) -> list[Function]:
    """By indentation: a body lasts until the next line that stands as far left as its `def`."""
    lines = code.splitlines()
    found = []
    at = 0
    while at < len(lines):
        start = _CYTHON_DEF.match(lines[at])
        end = _cython_end(lines, at, len(start.group(1))) if start else None
        if end is None:
            at += 1
            continue
        name = re.search(r"(\w+)\s*\(", lines[at])
        found.append(Function(name.group(1) if name else "?", at + 1, end - at))
        at = end
    return found


def _cython_end(lines: list[str], start: int, indent: int) -> int | None:
    """The line after the body; None if this is a declaration without one."""
    if "(" not in lines[start]:
        return None
    at, depth = start, 0
    while at < len(lines):  # the signature may take several lines
        depth += lines[at].count("(") - lines[at].count(")")
        if depth <= 0:
            break
        at += 1
    if at >= len(lines) or not lines[at].rstrip().endswith(":"):
        return None
    end = at + 1
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if not line.strip():
            continue
        if len(line) - len(line.lstrip()) <= indent:
            break
        end = number + 1
    return end
