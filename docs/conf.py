"""How Sphinx makes the documentation: `make docs`, into build/docs."""

import sys
from pathlib import Path

# For those who have not installed the package; the compiled part is found in the environment.
sys.path.insert(0, str(Path(__file__).parent.parent / "python"))

project = "rayx"
copyright = "the rayx authors"
# No other site is asked for its names (intersphinx): the pages come out the same without a network.
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "myst_parser"]
html_theme = "furo"
html_title = "rayx"
default_role = "code"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
# Classes are shown without their constructors: rayx makes their instances.
autodoc_class_signature = "separated"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "__init__, __new__",
}
