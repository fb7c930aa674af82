"""Lines of Markdown end at 100 columns, where they can be broken.

Code, tables, headings, HTML and what has no space in it may be longer. `ci/wrap.py FILE` wraps.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.finding import Finding
from checks.law import Law
from checks.tree import Tree

COLUMNS = 100

_FENCE = re.compile(r"\s*(?:>\s?)*\s*(`{3,}|~{3,}|:{3,})")
_ITEM = re.compile(r"(\s*)(?:[-*+]|\d+[.)])\s+")
# What is no text, or ends where it stands: headings, tables, HTML, link targets, rules, labels.
_ALONE = re.compile(
    r"\s*(?:#{1,6}\s|\||<|\[[^\]]+\]:\s|(?:[-*_=]\s*){3,}$|\([\w-]+\)=$|\{[\w-]+\}|!\[[^\]]*\]\([^)]*\)$)"
)
_QUOTE = re.compile(r"\s*>\s?")
# A word, with the spaces inside its code.
_WORD = re.compile(r"(?:(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)|\S)+")
# What would begin another block if it came first in a line.
_BEGINS_BLOCK = re.compile(r"(?:[-*+>|#=]|\d+[.)]$|:::|```)")


@dataclass(frozen=True)
class Paragraph:
    """Lines [first, last) of a text that are one piece of running text."""

    first: int
    last: int
    #: What stands before its first line, and before each other one.
    begins: str
    continues: str


def check(tree: Tree, law: Law) -> list[Finding]:
    """One finding for each line that is too long and could be wrapped."""
    del law
    findings = []
    for path in tree.documents:
        lines = tree.text(path).split("\n")
        for paragraph in paragraphs(lines):
            kept = lines[paragraph.first : paragraph.last]
            if _is_wide(kept) and _filled(kept, paragraph) != kept:
                for number, line in enumerate(kept, start=paragraph.first + 1):
                    if len(line) > COLUMNS:
                        message = f"{len(line)} columns, the limit is {COLUMNS}; run ci/wrap.py"
                        findings.append(Finding(path, number, "markdown-width", message))
    return findings


def wrapped(text: str) -> str:
    """The text with those paragraphs filled anew that have a line which is too long."""
    lines = text.split("\n")
    for paragraph in reversed(list(paragraphs(lines))):
        kept = lines[paragraph.first : paragraph.last]
        if _is_wide(kept):
            lines[paragraph.first : paragraph.last] = _filled(kept, paragraph)
    return "\n".join(lines)


def paragraphs(lines: list[str]) -> Iterator[Paragraph]:
    """The running text of a page. A hard line break ends a paragraph."""
    at = 0
    fence = ""
    in_comment = False
    content = 0  # the column of the text of the list item above; 0 outside of lists
    while at < len(lines):
        line = lines[at]
        opened = _FENCE.match(line)
        if opened and (not fence or opened.group(1).startswith(fence)):
            fence = "" if fence else opened.group(1)
        elif not fence:
            in_comment = (in_comment or "<!--" in line) and "-->" not in line
            if line.strip() and not line.startswith(" ") and not _ITEM.match(line):
                content = 0
            if not in_comment and _is_text(line, content):
                item = _ITEM.match(line)
                content = len(item.group(0)) if item else content
                paragraph = _paragraph_at(lines, at)
                yield paragraph
                at = paragraph.last
                continue
        at += 1


def _is_text(line: str, content: int) -> bool:
    if not line.strip() or _ALONE.match(line):
        return False
    indent = len(line) - len(line.lstrip())
    return indent < content + 4


def _paragraph_at(lines: list[str], first: int) -> Paragraph:
    quote = _QUOTE.match(lines[first])
    item = _ITEM.match(lines[first])
    prefix = quote or item
    indent = re.match(r"\s*", lines[first])
    begins = prefix.group(0) if prefix else indent.group(0) if indent else ""
    continues = " " * len(begins) if item and not quote else begins
    last = first + 1
    while last < len(lines) and not _breaks_hard(lines[last - 1]):
        line = lines[last]
        if quote and not _QUOTE.match(line):
            break
        ends = not line.strip() or _ALONE.match(line) or _FENCE.match(line)
        if ends or (not quote and (_ITEM.match(line) or _QUOTE.match(line))):
            break
        last += 1
    return Paragraph(first, last, begins, continues)


def _breaks_hard(line: str) -> bool:
    return line.endswith(("  ", "\\"))


def _is_wide(lines: list[str]) -> bool:
    return any(len(line) > COLUMNS for line in lines)


def _filled(lines: list[str], paragraph: Paragraph) -> list[str]:
    """The lines of a paragraph, each as full as it can be."""
    quoted = paragraph.begins.lstrip().startswith(">")
    texts = [lines[0][len(paragraph.begins) :]]
    texts += [_QUOTE.sub("", line, count=1) if quoted else line for line in lines[1:]]
    ending = re.search(r"(?:  +|\\)?$", lines[-1])
    filled: list[str] = []
    line = paragraph.begins
    is_first = True
    for word in _words(" ".join(text.strip() for text in texts)):
        joined = f"{line}{word}" if is_first else f"{line} {word}"
        if not is_first and len(joined) > COLUMNS:
            filled.append(line)
            line = f"{paragraph.continues}{word}"
        else:
            line = joined
        is_first = False
    hard = ending.group(0) if ending and ending.group(0).startswith("  ") else ""
    return [*filled, line + hard]


def _words(text: str) -> list[str]:
    """What is not to be parted; a word that may not begin a line goes with the one before."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        if words and _BEGINS_BLOCK.match(match.group(0)):
            words[-1] += f" {match.group(0)}"
        else:
            words.append(match.group(0))
    return words
