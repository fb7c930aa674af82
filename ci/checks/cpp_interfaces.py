"""What C++ headers offer: the public methods of a class, and the parameters of what they declare.

Read without a parser, from code whose comments and strings are blank. Overloads count as one
method, since they are one word to whoever reads; constructors, destructors and operators count as
none. The parameters of constructors count.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.functions import closing
from checks.interfaces import Offer
from checks.text import line_of

_PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
ACCESS = re.compile(r"\s*(public|private|protected)\s*:(?!:)")
ATTRIBUTE = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^)]*\)", re.DOTALL)
SCOPE = re.compile(r"\s*(?:inline\s+)?(?:namespace\b[\w:\s]*|extern\s*)$")
_CLASS = re.compile(r"\s*(class|struct|union)\s+(\w+)[^;=(]*$")
_NO_FUNCTION = re.compile(r"\s*(?:using|friend|typedef|static_assert|enum|extern\s+template)\b")
_CALL = re.compile(r"(~?\w+|operator\s*(?:\(\s*\)|[^\s(\w]+|\s\w+))\s*\(")


@dataclass
class _Class:
    """A class whose body is being read."""

    name: str
    line: int
    is_public: bool
    methods: set[str] = field(default_factory=set)


def cpp_offers_of(code: str) -> list[Offer]:
    """Of a header."""
    code = without_directives(code)
    offers: list[Offer] = []
    _read(code, 0, len(code), None, offers)
    return offers


def without_directives(code: str) -> str:
    """Blanks where the preprocessor's lines were."""
    return _PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)


def _read(code: str, begin: int, end: int, inside: _Class | None, offers: list[Offer]) -> None:
    for start, stop, body in declarations(code, begin, end):
        text = code[start:stop]
        while access := ACCESS.match(text):
            if inside is not None:
                inside.is_public = access.group(1) == "public"
            start += access.end()
            text = text[access.end() :]
        text = without_template(ATTRIBUTE.sub("", text))
        line = line_of(code, start + len(code[start:stop]) - len(code[start:stop].lstrip()))
        if body is not None and SCOPE.match(text):
            _read(code, body[0] + 1, body[1], None, offers)
        elif body is not None and (kind := _CLASS.match(text)):
            entered = _Class(kind.group(2), line, kind.group(1) != "class")
            _read(code, body[0] + 1, body[1], entered, offers)
            offers.append(Offer("methods", entered.name, line, len(entered.methods)))
        elif not _NO_FUNCTION.match(text):
            _function(text, line, inside, offers)


def _function(text: str, line: int, inside: _Class | None, offers: list[Offer]) -> None:
    found = next((call for call in _CALL.finditer(text) if _is_outside(text, call.start())), None)
    if found is None:
        return
    name = found.group(1)
    opening = found.end() - 1
    parameters = _parameters(text[opening + 1 : closing(text, opening)])
    owner = f"{inside.name}::" if inside is not None else ""
    offers.append(Offer("parameters", owner + name, line, parameters))
    if inside is None or not inside.is_public:
        return
    if name.lstrip("~") != inside.name and not name.startswith("operator"):
        inside.methods.add(name)


def _is_outside(text: str, at: int) -> bool:
    """Not the `void (` of std::function<void (int)>, and not in the value of a variable."""
    before = re.sub(r"->|operator\s*\S+$", "  ", text[:at])
    return before.count("<") == before.count(">") and "=" not in before


def declarations(
    code: str, begin: int, end: int
) -> Iterator[tuple[int, int, tuple[int, int] | None]]:
    """What stands between begin and end: (first, last) of its words, and its body if it has one."""
    start = at = begin
    while at < end:
        character = code[at]
        if character in "([":
            at = closing(code, at)
        elif character == ";":
            yield start, at, None
            start = at + 1
        elif character == "{":
            last = closing(code, at)
            after = code[last + 1 : end].lstrip()[:1]
            touches = code[at - 1].isalnum() or code[at - 1] in "_>="
            if touches or code[start:at].rstrip().endswith("=") or after == ",":
                at = last  # the value of a member, which ends with its semicolon
            else:
                yield start, at, (at, last)
                at = last
                start = at + 1
        at += 1


def without_template(text: str) -> str:
    """The words of a declaration behind its `template <…>`."""
    words = text.lstrip()
    while words.startswith("template"):
        opening = words.find("<")
        words = words[closing(words, opening) + 1 :].lstrip() if opening >= 0 else ""
    return words


def _parameters(text: str) -> int:
    """Those between the parentheses of a declaration."""
    if text.strip() in ("", "void"):
        return 0
    depth = 0
    count = 1
    for character in re.sub(r"->|<=>|<=|>=", "  ", text):
        if character in "([{<":
            depth += 1
        elif character in ")]}>":
            depth -= 1
        elif character == "," and depth == 0:
            count += 1
    return count
