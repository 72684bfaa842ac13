# SPDX-License-Identifier: GPL-2.0
"""The matrix of consumers and servers: Documentation/matrix.txt.

Each suite prints in its TAP which consumer has driven which server (selftests/tested.sh).
Documentation/matrix.txt has these lines of all suites, with the suite in front:

    SUITE: LAB KERNEL: CONSUMER [VERSION] -> SERVER [VERSION]

`make check` compares it with what its suites printed. The documentation shows it as a table.
"""
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterable

from . import kernels, paths, suites, tap
from .entry import Usage
from .message import LabError, say

FILE = paths.TOP / "Documentation/matrix.txt"
HEADER = """\
# SPDX-License-Identifier: GPL-2.0
# Written by lab/matrix --write from the results of make check.
"""
COMMENT = "# tested: "
LINE = re.compile(r"(?P<suite>\S+): (?P<lab>\S+) (?P<kernel>\S+): "
                  r"(?P<consumer>.+?)(?: (?P<consumer_version>[0-9]\S*))? -> "
                  r"(?P<server>.+?)(?: (?P<server_version>[0-9]\S*))?")
# A part of `make check` that runs on the host, in one lab's root.
GUEST = "guest"


@dataclass(frozen=True)
class Fact:
    """A consumer has driven a server in a suite in a lab."""
    suite: str
    lab: str
    kernel: str
    consumer: str
    consumer_version: str | None
    server: str
    server_version: str | None

    @property
    def run(self) -> tuple[str, str]:
        return self.suite, self.lab

    def __str__(self) -> str:
        consumer = " ".join(filter(None, (self.consumer, self.consumer_version)))
        server = " ".join(filter(None, (self.server, self.server_version)))
        return f"{self.suite}: {self.lab} {self.kernel}: {consumer} -> {server}"

    def without_versions(self) -> "Fact":
        return replace(self, kernel="", consumer_version=None, server_version=None)


Facts = set[Fact]
Run = tuple[str, str]


def parse(line: str) -> Fact:
    match = LINE.fullmatch(line)
    if not match:
        raise LabError(f"not a line of the matrix: {line}")
    return Fact(**match.groupdict())


def load(path: Path = FILE) -> Facts:
    """The facts of the committed file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {parse(line) for line in lines if line and not line.startswith("#")}


def write(facts: Facts, path: Path = FILE) -> None:
    path.write_text(HEADER + "".join(f"{line}\n" for line in sorted(map(str, facts))),
                    encoding="utf-8")


def of_tap(suite: str, text: str) -> Facts:
    """The facts in a suite's TAP."""
    return {parse(f"{suite}: {line.removeprefix(COMMENT)}") for line in text.splitlines()
            if line.startswith(COMMENT)}


def runs(table: kernels.Kernels) -> set[Run]:
    """Every suite in every lab where `make check` runs it."""
    found = {(suite.name, kernel.name) for suite in suites.load(table)
             for kernel in suites.places(suite, table) if not kernel.own}
    return found | {(GUEST, table.capable("qemu-vfio-user").name)}


def results(planned: Iterable[Run], directory: Path = paths.CHECK) -> dict[Run, Facts]:
    """The facts of each run that left results and had no failure."""
    found = {}
    for suite, lab in planned:
        path = directory / (f"{suite}.tap" if suite == GUEST else f"{lab}/{suite}.tap")
        if path.exists() and not tap.read_file(path).failed:
            found[suite, lab] = of_tap(suite, path.read_text(errors="replace"))
    return found


def differences(committed: Facts, planned: set[Run],
                found: dict[Run, Facts]) -> tuple[list[str], list[str]]:
    """The lines that are wrong or missing in the committed file, with a sign in front."""
    gone = {fact for fact in committed if fact.run not in planned
            or (fact.run in found and fact not in found[fact.run])}
    new = {fact for facts in found.values() for fact in facts} - committed
    return sorted(f"- {fact}" for fact in gone), sorted(f"+ {fact}" for fact in new)


def differences_but_for(moving: set[str], committed: Facts, planned: set[Run],
                        found: dict[Run, Facts]) -> tuple[list[str], list[str]]:
    """The same, where versions may differ in labs whose packages move on."""
    def plain(facts: Iterable[Fact]) -> Facts:
        return {fact.without_versions() if fact.lab in moving else fact for fact in facts}

    return differences(plain(committed), planned,
                       {run: plain(facts) for run, facts in found.items()})


def updated(committed: Facts, planned: set[Run], found: dict[Run, Facts]) -> Facts:
    """The committed facts, with those of the suites that have run in place of the old."""
    kept = {fact for fact in committed if fact.run in planned and fact.run not in found}
    return kept.union(*found.values())


def result(number: int, name: str, bad: list[str], word: str = "not ok",
           directive: str = "") -> str:
    lines = "".join(f"# {line}\n" for line in bad)
    return lines + (f"{word} {number} - {name}{directive}\n" if bad
                    else f"ok {number} - {name}\n")


def report() -> str:
    """TAP: whether the committed file agrees with the results in build/check."""
    table = kernels.load()
    planned = runs(table)
    try:
        committed, found = load(), results(planned)
    except LabError as error:
        return result(1, "the matrix can be compared", [str(error)]) + "1..1\n"
    moving = {kernel.name for kernel in table.checked if kernel.moving}
    gone, new = differences_but_for(moving, committed, planned, found)
    wrong = gone + new
    moved = sum(differences(committed, planned, found), []) if not wrong else []
    if wrong or moved:
        advice = "lab/matrix --write writes Documentation/matrix.txt again"
        wrong, moved = (wrong and [*wrong, advice]), (moved and [*moved, advice])
    return (result(1, "the matrix has all that the suites have tested, and no more", wrong)
            + result(2, "the matrix has the present versions", moved, "ok",
                     " # SKIP packages of Debian's backports or testing have moved on")
            + "1..2\n")


def command(arguments: list[str]) -> int:
    """Compare the file with the results in build/check, or write it from them."""
    if arguments == ["--write"]:
        planned = runs(kernels.load())
        found = results(planned)
        write(updated(load(), planned, found))
        say(f"{FILE.name}: {len(found)} results of suites taken")
        return 0
    if arguments:
        raise Usage("unknown arguments")
    text = report()
    print(text, end="")
    return int("not ok" in text)


def cell(facts: Iterable[Fact]) -> list[str]:
    """The lines of a cell: versions, and the labs that have them."""
    labs: dict[str, list[str]] = {}
    for fact in facts:
        label = fact.lab if fact.lab == fact.kernel else f"{fact.kernel} ({fact.lab})"
        versions = " / ".join(filter(None, (fact.consumer_version, fact.server_version)))
        if label not in labs.setdefault(versions, []):
            labs[versions].append(label)
    return [f"{versions}{': ' if versions else ''}{', '.join(names)}"
            for versions, names in labs.items()]


def tables(facts: Facts, columns: int) -> list[list[list[list[str]]]]:
    """The matrix in tables with a number of columns: rows of cells of lines.

    Consumers go down, servers across. A table leaves out consumers that drive none of its
    servers.
    """
    def own_first(name: str) -> tuple[bool, str]:
        return not name.startswith("vuser-"), name

    order = list(kernels.load().kernels)
    sorted_facts = sorted(facts, key=lambda fact: (order.index(fact.lab), str(fact)))
    servers = sorted({fact.server for fact in facts}, key=own_first)
    consumers = sorted({fact.consumer for fact in facts})
    found = []
    for first in range(0, len(servers), columns):
        some = servers[first:first + columns]
        rows = [[[""], *([server] for server in some)]]
        for consumer in consumers:
            cells = [cell(fact for fact in sorted_facts
                          if (fact.consumer, fact.server) == (consumer, server))
                     for server in some]
            if any(cells):
                rows.append([[consumer], *cells])
        found.append(rows)
    return found
