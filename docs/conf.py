"""How Sphinx builds these pages: `make docs`. What it needs besides packages stands in `_extensions/`."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

os.environ.setdefault("KERAS_BACKEND", "torch")

import lossgen  # noqa: E402  (after the path)

project = "lossgen"
author = "The lossgen authors"
copyright = "The lossgen authors, Apache License 2.0"
version = release = lossgen.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "formulas",  # MathML, no JavaScript and no network
    "loss_pages",  # a page for every loss of the catalogue
    "reference",  # the page of the command line, links to errors
    "explorer_page",  # the loss explorer beside the pages
    "outside",  # files of the repository that are not below docs/
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}  # the gallery writes the latter
exclude_patterns = ["_build", "_extensions", "_templates", "examples", "sg_execution_times.rst"]
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # assembly and messages in blocks without a language

default_role = "code"  # docstrings write `name`, as Markdown does
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "lossgen"
html_static_path = ["_static"]
html_css_files = ["lossgen.css"]
html_show_sourcelink = False
html_math_renderer = "formulas"
html_theme_options = {
    "show_prev_next": False,
    "header_links_before_dropdown": 8,
    "icon_links": [],
    "navigation_with_keys": False,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "explorer": []},
    "show_toc_level": 2,
}
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "image_scrapers": ("matplotlib", "gallery_figures.figures_of_plots"),
}
html_sidebars = {"index": [], "tutorial": [], "explorer": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
