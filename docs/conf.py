"""Sphinx's settings: `make docs` builds the pages into build/docs, with warnings as errors."""

import shutil
from pathlib import Path

import thermolion_optax

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent

# Pages must lie below this folder, and a link would be followed out of it.
shutil.rmtree(HERE / "notebooks", ignore_errors=True)
shutil.copytree(ROOT / "notebooks", HERE / "notebooks", ignore=shutil.ignore_patterns(".*"))


def setup(app):
    """Links to notebooks are those of the repository, where the pages are read, too."""

    def to_copies(app, name, source):
        source[0] = source[0].replace("](../notebooks/", "](notebooks/")

    app.connect("source-read", to_copies)


project = "thermolion_optax"
author = "The thermolion_optax authors"
copyright = author
release = thermolion_optax.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # MathJax from a package: no page loads anything from another host
]
root_doc = "index"

html_theme = "furo"  # loads no font and no script from elsewhere
html_title = f"thermolion_optax {release}"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["pages.css"]

# Notebooks are shown as they were committed.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"  # tables in their outputs, too
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

# The docstrings say of each argument what it may be; the types, unfolded, fill half a page.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# A reference to a name of this library that leads nowhere is an error; other libraries' names
# are not looked up, which would need the network.
nitpicky = True
nitpick_ignore_regex = [("py:(class|func|exc|obj|data)", r"(?!thermolion_optax\b).*")]
