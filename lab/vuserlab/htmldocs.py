# SPDX-License-Identifier: GPL-2.0
"""Render the documentation to build/htmldocs with Sphinx; a warning is an error."""
from . import kernels, process, root
from .entry import no_arguments
from .message import say

WORDS = ["sphinx-build", "-q", "-W", "--keep-going", "-d", "/tmp/doctrees", "-b", "html",
         "Documentation", "/vuser/build/htmldocs"]


def render() -> tuple[int, str]:
    """The exit status of Sphinx, and what it says."""
    return process.output_of_any(root.inside(kernels.main_kernel(), WORDS))


def main(arguments: list[str]) -> int:
    no_arguments(arguments)
    status, text = render()
    print(text, end="", flush=True)
    if status == 0:
        say("the documentation is build/htmldocs/index.html")
    return status
