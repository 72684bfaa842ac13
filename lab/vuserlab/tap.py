# SPDX-License-Identifier: GPL-2.0
"""Sums of TAP files.

A file whose plans do not add up to its results counts one failure more: a program that
ended early must not look like one that passed.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable

from . import paths

PLAN = re.compile(r"1\.\.([0-9]+)")
WHOLE_SKIP = re.compile(r"^1\.\.0[ \t#]*(?:SKIP)?[ \t]*")
SKIP = re.compile(r"# *(SKIP|XFAIL)", re.IGNORECASE)
HARNESS = re.compile(r"# +(RUN|OK|FAIL) ")
LOCATION = re.compile(r"# [^ ]+\.c:[0-9]+:")
COMMENTS = 3  # this many comments before and after a failure are its reasons


@dataclass
class Sum:
    """The results in one file."""
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    skips: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # with reasons, indented


class _Reader:
    """Reads one file line by line."""

    def __init__(self, name: str) -> None:
        self.sum = Sum(name)
        self.planned: int | None = None
        self.seen = 0
        self.before: list[str] = []
        self.after = 0

    def line(self, line: str) -> None:
        if plan := PLAN.match(line):
            self.plan(int(plan[1]), line)
        elif re.match(r"ok( |$)", line):
            self.good(line)
        elif re.match(r"not ok( |$)", line):
            self.bad(line)
        elif line.startswith("#"):
            self.comment(line)
        elif line.startswith("Bail out!"):
            self.sum.failed += 1
            self.failures(line)

    def failures(self, *texts: str) -> None:
        self.sum.failures.append(f"FAILED:  {self.sum.name}: {texts[0]}")
        self.reasons(texts[1:])

    def reasons(self, texts: Iterable[str]) -> None:
        self.sum.failures += ["         " + text for text in texts]

    def plan(self, number: int, line: str) -> None:
        self.planned = (self.planned or 0) + number
        if line.split()[0] == "1..0":
            self.sum.skipped += 1
            reason = WHOLE_SKIP.sub("", line)
            self.sum.skips.append(f"skipped: {self.sum.name}: all of it: {reason}")

    def good(self, line: str) -> None:
        self.seen += 1
        self.after = 0
        self.before.clear()
        if SKIP.search(line):
            self.sum.skipped += 1
            self.sum.skips.append(f"skipped: {self.sum.name}: {line[3:]}")
        else:
            self.sum.passed += 1

    def bad(self, line: str) -> None:
        self.seen += 1
        self.sum.failed += 1
        self.failures(line[7:], *self.before)
        self.before.clear()
        self.after = COMMENTS

    def comment(self, line: str) -> None:
        """A test in C prints reasons before its result; the next start is not a reason."""
        if HARNESS.match(line):
            if line.startswith("#  RUN "):
                self.after = 0
            return
        text = line[2:]
        self.before = (self.before + [text])[-COMMENTS:]
        if self.after > 0:
            self.after -= 1
            self.reasons([text])

    def finish(self) -> Sum:
        if self.planned is None:
            self.sum.failed += 1
            self.failures("has no plan: it did not get to its end")
        elif self.planned != self.seen:
            self.sum.failed += 1
            self.failures(f"planned {self.planned} tests, saw {self.seen}")
        return self.sum


def read(name: str, text: str) -> Sum:
    """The sum of a file's text; an empty file is one failure."""
    if not text:
        return Sum(name, failed=1, failures=[f"FAILED:  {name}: no output"])
    reader = _Reader(name)
    for line in text.splitlines():
        reader.line(line.removesuffix("\r"))
    return reader.finish()


def expectations(log: str) -> list[str]:
    """The expectations of tests in C, from the log of their suite: five lines at most."""
    lines = [line for line in log.splitlines() if LOCATION.match(line)]
    return ["         " + line[2:].removeprefix("/vuser/") for line in lines[:5]]


def total(sums: Iterable[Sum]) -> str:
    sums = list(sums)
    return (f"{sum(one.passed for one in sums)} passed, "
            f"{sum(one.failed for one in sums)} failed, "
            f"{sum(one.skipped for one in sums)} skipped")


def read_file(path: Path) -> Sum:
    """The sum of a file, which is named relative to build/check."""
    path = path.absolute()
    inside = path.is_relative_to(paths.CHECK)
    name = str(path.relative_to(paths.CHECK) if inside else path).removesuffix(".tap")
    one = read(name, path.read_text(errors="replace") if path.exists() else "")
    log = path.with_suffix(".log")
    if one.failed and log.exists():
        one.failures += expectations(log.read_text(errors="replace"))
    return one


def total_of(files: Iterable[Path]) -> str:
    """One line for the results of files."""
    return total(read_file(path) for path in files)


def report(files: Iterable[Path]) -> int:
    """Print skips, failures and the total; return 1 when a test failed or none passed."""
    sums = [read_file(path) for path in files]
    for one in sums:
        for line in one.skips:
            print(line)
    for one in sums:
        for line in one.failures:
            print(line)
    print(total(sums))
    return int(any(one.failed for one in sums) or not any(one.passed for one in sums))


def command(arguments: list[str]) -> int:
    return report(Path(argument) for argument in arguments)
