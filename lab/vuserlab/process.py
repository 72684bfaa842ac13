# SPDX-License-Identifier: GPL-2.0
"""Child processes: run them, collect their output, end them when we are interrupted.

Each child is in a list while it runs. A command that ends for any reason terminates
the children that are left; those that own a machine stop it (entry, machine).
"""
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import IO, Any, Iterator, NoReturn, Sequence

from .message import LabError

Words = Sequence[str | Path]

TIMED_OUT = 124  # the exit status of timeout(1)
END_LIMIT = 60  # seconds after which a child that was terminated is killed
_children: set[subprocess.Popen[Any]] = set()
_lock = threading.Lock()
_ending = False
_guards = 0  # how many uninterrupted() the main thread is in
_pending: int | None = None


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP came."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def raise_on_signals() -> None:
    """Raise Interrupted in the main thread at the first signal that asks us to end.

    Later signals have no effect: a second Ctrl-C must not interrupt the end of machines.
    They are handled and not ignored, since a child inherits ignored signals and could not
    be terminated.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def handler(number: int, _frame: FrameType | None) -> None:
        global _pending
        for one in signals:
            signal.signal(one, lambda _number, _frame: None)
        if _guards:
            _pending = number
        else:
            raise Interrupted(number)

    for one in signals:
        if signal.getsignal(one) != signal.SIG_IGN:
            signal.signal(one, handler)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Raise Interrupted at the end of a block instead of in it.

    A child must not run before its process id is where others look for it.
    """
    global _guards
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _guards += 1
    try:
        yield
    finally:
        _guards -= 1
    if _pending is not None and not _guards:
        raise Interrupted(_pending)


def start(words: Words, **options: Any) -> subprocess.Popen[Any]:
    """Start a child that end_children() ends. Its standard input is empty by default."""
    options.setdefault("stdin", subprocess.DEVNULL)
    with uninterrupted(), _lock:
        if _ending:
            raise LabError("interrupted")
        child = subprocess.Popen([str(word) for word in words], **options)
        _children.add(child)
    return child


def finish(child: subprocess.Popen[Any], timeout: float | None = None) -> int:
    """Wait for a child; return its exit status as a shell would.

    A child that is not done after @timeout seconds is terminated: TIMED_OUT.
    """
    try:
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.terminate()
            child.wait()
            return TIMED_OUT
    finally:
        if child.returncode is not None:
            with _lock:
                _children.discard(child)
    return code if code >= 0 else 128 - code


def end_children() -> None:
    """Terminate the children that still run, and wait for them. No more can start.

    A child that is a command of the lab may have to stop a machine first.
    """
    global _ending
    with _lock:
        _ending = True
        children = list(_children)
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def status(words: Words, timeout: float | None = None, **options: Any) -> int:
    """Run a command and return its exit status."""
    return finish(start(words, **options), timeout)


def run(words: Words, **options: Any) -> None:
    """Run a command that must succeed."""
    result = status(words, **options)
    if result != 0:
        raise LabError(f"exit status {result} of: {shlex.join(map(str, words))}")


def output(words: Words, **options: Any) -> str:
    """The standard output of a command that must succeed."""
    child = start(words, stdout=subprocess.PIPE, text=True, errors="replace", **options)
    assert child.stdout
    text: str = child.stdout.read()
    result = finish(child)
    if result != 0:
        raise LabError(f"exit status {result} of: {shlex.join(map(str, words))}")
    return text


def output_of_any(words: Words, **options: Any) -> tuple[int, str]:
    """The exit status of a command, and all that it printed."""
    child = start(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                  errors="replace", **options)
    assert child.stdout
    text: str = child.stdout.read()
    return finish(child), text


def logged(words: Words, log: Path, what: str, lines: int = 30, **options: Any) -> None:
    """Run a command with its output added to a log; show the end when it fails."""
    with log.open("ab") as file:
        result = status(words, stdout=file, stderr=file, **options)
    if result != 0:
        show_tail(log, lines, sys.stderr)
        raise LabError(f"{what}; all of it is in {log}")


def show_tail(log: Path, lines: int, file: IO[str]) -> None:
    """Print the last lines of a log."""
    text = log.read_text(errors="replace") if log.exists() else ""
    print("\n".join(text.splitlines()[-lines:]), file=file, flush=True)


def pipe(*commands: Words) -> None:
    """Run commands as a pipeline; each of them must succeed."""
    children = []
    source: Any = subprocess.DEVNULL
    for words in commands:
        sink = None if words is commands[-1] else subprocess.PIPE
        child = start(words, stdin=source, stdout=sink)
        if source != subprocess.DEVNULL:
            source.close()  # so that a writer sees the end of its reader
        source = child.stdout
        children.append(child)
    for words, child in zip(commands, children):
        result = finish(child)
        if result != 0:
            raise LabError(f"exit status {result} of: {shlex.join(map(str, words))}")


def replace(words: Words, environment: dict[str, str] | None = None) -> NoReturn:
    """Become another program. Python's setting for SIGPIPE does not go along."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    names = [str(word) for word in words]
    try:
        os.execvpe(names[0], names, os.environ if environment is None else environment)
    except OSError as error:
        raise LabError(f"cannot run {names[0]}: {error.strerror}") from error


def processors() -> int:
    return len(os.sched_getaffinity(0))


def need_root() -> None:
    if os.geteuid() != 0:
        raise LabError("must run as root")
