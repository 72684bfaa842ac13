# SPDX-License-Identifier: GPL-2.0
"""Text files without their comments."""
from . import paths


def code(text: str) -> list[str]:
    """The lines of a shell script without empty ones and without comments of a line."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def packages(name: str) -> list[str]:
    """A list of packages in lab/packages."""
    return code((paths.LAB / "packages" / name).read_text(encoding="utf-8"))
