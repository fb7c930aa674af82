"""Wraps the paragraphs of Markdown files that have lines of more than 100 columns.

    ci/wrap.py [FILE...]     without files, all of the project

Code, tables and headings stay as they are, and so do paragraphs that are narrow enough.
"""

import sys
from pathlib import Path

from checks.markdown import wrapped
from checks.tree import Tree


def main(paths: list[str]) -> int:
    """Rewrites what has to be; tells the files."""
    root = Path(__file__).resolve().parent.parent
    for path in paths or [str(root / page) for page in Tree(root).documents]:
        file = Path(path)
        text = file.read_text()
        if (narrow := wrapped(text)) != text:
            file.write_text(narrow)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
