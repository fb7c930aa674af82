"""Pages of Markdown are wrapped at 100 columns, and nothing but running text is."""

import pytest
from checks import markdown

LONG = "word " * 40
ROW = f"| {LONG}|"


def widths(text):
    return max(len(line) for line in text.split("\n"))


def test_a_wide_paragraph_is_found_line_by_line_and_wrapped(tree_of, law):
    text = f"# Title\n\n{LONG.strip()}\n\nNarrow\nlines stay\nas they are.\n"
    (finding,) = markdown.check(tree_of({"docs/page.md": text}), law)
    assert (finding.rule, finding.path, finding.line) == ("markdown-width", "docs/page.md", 3)
    narrow = markdown.wrapped(text)
    assert widths(narrow) <= 100
    assert narrow.split() == text.split()
    assert narrow.endswith("\n\nNarrow\nlines stay\nas they are.\n")
    assert markdown.wrapped(narrow) == narrow
    assert markdown.check(tree_of({"docs/page.md": narrow}), law) == []


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{LONG}\n```\n",
        f"- item\n\n  ```\n  {LONG}\n  ```\n",
        f"Text.\n\n    {LONG}\n",
        f"- item\n\n      {LONG}\n",
        f"| a |\n|---|\n{ROW}\n",
        f"## {LONG}\n",
        f"<!-- {LONG} -->\n",
        f"<!--\n{LONG}\n-->\n",
        f"[name]: https://example.org/{'x' * 100}\n",
        f"https://example.org/{'x' * 100}\n",
        f"See [this](https://example.org/{'x' * 100}).\n".replace("See ", ""),
        f"- `{LONG}`\n",
        f"![picture of {LONG}](a.png)\n",
        f"(a-label)=\n\n## {LONG}\n",
        f":::{{note}}\n{LONG}\n:::\n",
    ],
)
def test_what_is_no_running_text_may_be_wide(tree_of, law, text):
    assert markdown.wrapped(text) == text
    assert markdown.check(tree_of({"page.md": text}), law) == []


@pytest.mark.parametrize(
    ("text", "wrapped"),
    [
        (f"- {'a' * 60} {'b' * 60}\n- next\n", f"- {'a' * 60}\n  {'b' * 60}\n- next\n"),
        (f"12. {'a' * 60} {'b' * 60}\n", f"12. {'a' * 60}\n    {'b' * 60}\n"),
        (f"> {'a' * 60} {'b' * 60}\n> c\n", f"> {'a' * 60}\n> {'b' * 60} c\n"),
        (f"- one\n\n  {'a' * 60} {'b' * 60}\n", f"- one\n\n  {'a' * 60}\n  {'b' * 60}\n"),
        # What would begin a list or a heading stays behind its word.
        (f"{'a' * 60} {'b' * 38} - c\n", f"{'a' * 60}\n{'b' * 38} - c\n"),
        (f"{'a' * 60} {'b' * 38} 3. c\n", f"{'a' * 60}\n{'b' * 38} 3. c\n"),
        # Code is not parted.
        (f"{'a' * 80} `make {'b' * 20}`.\n", f"{'a' * 80}\n`make {'b' * 20}`.\n"),
        # A line break of the writer's stays.
        (f"{'a' * 60} {'b' * 60}  \nc\n", f"{'a' * 60}\n{'b' * 60}  \nc\n"),
    ],
)
def test_wrapping(text, wrapped):
    assert markdown.wrapped(text) == wrapped


def test_pages_of_others_are_left_alone(tree_of, law):
    tree = tree_of(
        {
            ".venv/lib/page.md": LONG,
            "build/page.md": LONG,
            ".github/PULL.md": "",
            "README.md": "",
        }
    )
    assert tree.documents == [".github/PULL.md", "README.md"]
