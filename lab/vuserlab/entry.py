# SPDX-License-Identifier: GPL-2.0
"""How every command of the lab begins and ends."""
import os
import signal
import sys
from typing import Callable, NoReturn

from . import process
from .message import LabError, say


class Usage(LabError):
    """The arguments are wrong; the text says how."""


def open_standard_files() -> None:
    """Open /dev/null for each standard file that is closed.

    Otherwise the next file that we open, a lock for example, would take its number.
    """
    while True:
        number = os.open(os.devnull, os.O_RDWR)
        if number > 2:
            os.close(number)
            break
        os.set_inheritable(number, True)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def attempt(command: Callable[[list[str]], int | None], usage: str) -> int:
    """Call a command and turn what it raises into an exit status."""
    try:
        return command(sys.argv[1:]) or 0
    except Usage as error:
        say(error)
        print(usage.strip(), file=sys.stderr)
        return 2
    except LabError as error:
        say(error)
        return 1
    except process.Interrupted as interrupted:
        return 128 + interrupted.number
    except BrokenPipeError:
        # The reader of our output is gone. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    finally:
        process.end_children()


def main(command: Callable[[list[str]], int | None], usage: str | None) -> NoReturn:
    """Call a command with the program's arguments, and exit with its status."""
    open_standard_files()
    if sys.argv[1:] in (["-h"], ["--help"]):
        print((usage or "").strip())
        sys.exit(0)
    process.raise_on_signals()
    sys.exit(attempt(command, usage or ""))


def no_arguments(arguments: list[str]) -> None:
    if arguments:
        raise Usage(f"unexpected argument '{arguments[0]}'")
