"""How the documentation is made into pages: `make docs`. Every link within it is checked; no other host is asked."""

from __future__ import annotations

project = "LODA"
author = "the LODA project"
copyright = "2026, the LODA project"  # noqa: A001 - Sphinx's own name for it
language = "en_GB"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["pictures/*"]

# `page.md#heading` is resolved and checked against the headings' own anchors, as they are on a code host.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nitpicky = True
# Python's own examples and console sessions are shown as they are; a lexer that stumbles is no fault of the text.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "LODA"
html_copy_source = False
html_show_sphinx = False
# No page asks another host for anything: the theme's fonts are the reader's own and its pictures lie beside the pages.
html_theme_options = {
    "light_css_variables": {"font-stack": "Arial, Helvetica, sans-serif"},
    "dark_css_variables": {"font-stack": "Arial, Helvetica, sans-serif"},
}
