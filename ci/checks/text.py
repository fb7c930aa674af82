"""Sources without their comments and strings, line by line where they were."""

import io
import re
import tokenize

# In this order: what begins first wins, so that a quote in a comment is no string.
_CPP_TOKENS = re.compile(
    r'R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])*'"  # not the ' of 1'000
    r"|//(?:\\\n|[^\n])*"
    r"|/\*.*?\*/",
    re.DOTALL,
)
_NOT_NEWLINE = re.compile(r"[^\n]")


def code_of(path: str, source: str) -> str:
    """The code alone, by the language that the name tells; blanks stand for what was taken out."""
    if path.endswith((".h", ".cc", ".fbs")):
        return cpp_code(source)
    if path.endswith(".py"):
        return python_code(source)
    return re.sub(r"#[^\n]*", _blank, source)


def cpp_code(source: str) -> str:
    """C++ without comments and the insides of strings. The names in #include lines stay."""
    return _CPP_TOKENS.sub(_blank_unless_include, source)


def python_code(source: str) -> str:
    """Python without comments and strings; as it is, if it does not parse (ruff will say so)."""
    lines = source.splitlines(keepends=True)
    kinds = {tokenize.STRING, tokenize.COMMENT}
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source
    for token in tokens:
        if token.type not in kinds:
            continue
        (first, start), (last, end) = token.start, token.end
        for number in range(first, last + 1):
            line = lines[number - 1]
            left = start if number == first else 0
            right = end if number == last else len(line)
            blank = _NOT_NEWLINE.sub(" ", line[left:right])
            lines[number - 1] = line[:left] + blank + line[right:]
    return "".join(lines)


def line_of(source: str, offset: int) -> int:
    """The number of the line, from 1, that an offset falls into."""
    return source.count("\n", 0, offset) + 1


def _blank(match: re.Match[str]) -> str:
    return _NOT_NEWLINE.sub(" ", match.group(0))


def _blank_unless_include(match: re.Match[str]) -> str:
    line_start = match.string.rfind("\n", 0, match.start()) + 1
    if match.group(0).startswith('"') and match.string.startswith("#include", line_start):
        return match.group(0)
    return _blank(match)
