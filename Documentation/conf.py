# SPDX-License-Identifier: GPL-2.0
"""Sphinx configuration: `make htmldocs`."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "sphinx"))

project = "vuser"
author = "the vuser authors"
copyright = author  # pylint: disable=redefined-builtin

extensions = ["vuser_lab", "vuser_pages"]
html_theme = "alabaster"
html_theme_options = {
    "description": "VFIO devices that live in another process",
    "fixed_sidebar": True,
    "page_width": "64em",
}
highlight_language = "none"
