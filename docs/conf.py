# SPDX-License-Identifier: MIT
"""How Sphinx builds these pages (``make docs``): MyST Markdown, furo, the reference from docstrings and message tables.

Knows Sphinx. What is read out of the package and brought into a form that reads well is in ``_ext``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

# A serializer's class attribute imports it when looked at, and numpy with it: neither is needed to write about them
sys.modules.setdefault("bjdata", ModuleType("bjdata"))

from autobahn_fast import __version__

project = "autobahn_fast"
author = "The autobahn_fast authors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "docstrings", "message_table", "option_table"]
exclude_patterns = ["_ext"]
html_theme = "furo"
html_title = f"autobahn_fast {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "none"  # what is not marked is no code
pygments_style = "friendly"
pygments_dark_style = "native"

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_default_options = {"members": True, "member-order": "bysource"}
autoclass_content = "both"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 100
toc_object_entries_show_parents = "hide"

# Every link between pages and every name in a role must lead somewhere. Names in signatures need not: those of the standard
# library and of Twisted have no page here, and the build does without a network.
nitpicky = True
suppress_warnings = ["ref.python"]  # attributes of the same name in several classes
nitpick_ignore_regex = [(r"py:(class|exc|obj|data|meth|func|attr|mod)", r".*")]
