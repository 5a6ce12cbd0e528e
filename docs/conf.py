"""How Sphinx builds the documentation; nothing here reads the network."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Quark Core"
project_copyright = "the authors of Quark Core"
release = version = version_of("quark-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "quark_fields", "quark_suites", "quark_verbs"]
exclude_patterns = ["_build", "editor"]  # what takes the pictures of editors

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"Quark Core {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
