# SPDX-License-Identifier: GPL-2.0
"""Where things are on the host."""
import os
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
TOP = LAB.parent
BUILD = TOP / "build"
CHECK = BUILD / "check"
SELFTESTS = TOP / "selftests"
CACHE = Path(os.environ.get("XDG_CACHE_HOME")
             or os.path.join(os.environ.get("HOME") or "/root", ".cache")) / "vuser"


def inside(path: Path) -> str:
    """The name that a path of the work tree has in a root or in a machine."""
    return f"/vuser/{path.relative_to(TOP)}"
