# SPDX-License-Identifier: GPL-2.0
"""Messages to the person who called a command of the lab."""
import os
import sys
import time


class LabError(Exception):
    """A failure with a message for people; the command ends with status 1."""


def say(text: object) -> None:
    """Print a message to standard error, with the name of the command."""
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr, flush=True)


class Clock:
    """Whole seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def seconds(self) -> int:
        return int(time.monotonic() - self.start)

    def __str__(self) -> str:
        return f"{self.seconds()} s"
