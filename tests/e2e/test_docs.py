"""The code blocks of docs/*.md and README.md run as they are printed, each page in a program of its
own; and Sphinx has nothing to complain of."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {
    page.name: blocks
    for page in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
    if (blocks := BLOCK.findall(page.read_text()))
}


def test_there_are_pages_with_code():
    assert {"README.md", "actors.md", "errors.md", "resources.md", "tutorial.md"} <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_page(name, tmp_path):
    program = tmp_path / f"{Path(name).stem}_page.py"
    program.write_text("\n".join(PAGES[name]))
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_are_made_without_warnings(tmp_path):
    sphinx = [sys.executable, "-m", "sphinx", "--fail-on-warning", "-q", "-d", tmp_path / "trees"]
    done = subprocess.run(
        [*sphinx, DOCS, tmp_path / "pages"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rayx.as_completed" in (tmp_path / "pages" / "api.html").read_text()
