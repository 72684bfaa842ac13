#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Refuse phrases that are hard to read for newcomers to the project.

usage: lab/checks/phrases.py [PATH...]     check files and directories, or the tree
       lab/checks/phrases.py --count [PATH...]   print the findings of each pattern
       lab/checks/phrases.py --list              print the patterns and the advice
       lab/checks/phrases.py --self-test         check that each pattern works

A finding is one line, "FILE:LINE: PHRASE -> ADVICE". The exit status is 1 when
there is a finding. The patterns are in phrases.toml.

The text that is checked is
    comment   comments of C, Python, shell, make and TOML
    message   string literals of C and Python, and the commands of scripts
    prose     documentation, man pages, the netlink specification
    name      names of tests, with blanks for their underscores
"""

import argparse
import bisect
import dataclasses
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TABLE = os.path.join(HERE, "phrases.toml")

Lines = list[tuple[int, str]]       # numbers of lines and their text


@dataclasses.dataclass
class Block:
    """Text that is searched as one string."""

    scope: str
    text: str
    starts: list[int]               # offset of each line of the file in the text
    numbers: list[int]              # number of each line of the file

    def line(self, offset: int) -> int:
        """The number of the line that an offset of the text belongs to."""
        return self.numbers[bisect.bisect_right(self.starts, offset) - 1]


@dataclasses.dataclass
class Phrase:
    """One entry of phrases.toml."""

    regex: re.Pattern[str]
    instead: str
    scopes: frozenset[str]
    bad: str
    good: str


def phrases() -> list[Phrase]:
    """Read the table."""
    with open(TABLE, "rb") as file:
        entries = tomllib.load(file)["phrase"]
    return [Phrase(re.compile(entry["pattern"], 0 if entry.get("case") else re.I),
                   entry["instead"], frozenset(entry["scopes"]),
                   entry["bad"], entry["good"]) for entry in entries]


def block(scope: str, lines: Lines) -> Block:
    """Join lines with single blanks, so that a phrase is found across lines."""
    text, starts, numbers = "", [], []
    for number, line in lines:
        line = " ".join(line.split())
        if text and line:
            text += " "
        starts.append(len(text))
        numbers.append(number)
        text += line
    return Block(scope, text, starts, numbers)


def numbered(text: str, first: int) -> Lines:
    """Split text into lines; the first one has the given number."""
    return [(first + i, line) for i, line in enumerate(text.split("\n"))]


def paragraphs(scope: str, lines: Lines) -> Iterator[Block]:
    """One block for each paragraph: a phrase does not cross an empty line.

    The description of a parameter in kernel-doc ("@name: ...") is a paragraph.
    """
    part: Lines = []
    for number, line in lines:
        if part and (not line.strip() or re.match(r"\s*@\w+:", line)):
            yield block(scope, part)
            part = []
        if line.strip():
            part.append((number, re.sub(r"^\s*@\w+:", "", line)))
    if part:
        yield block(scope, part)


C_TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
    |(?P<string>"(?:\\.|[^"\\\n])*")
    |(?P<char>'(?:\\.|[^'\\\n])*')
    |(?P<blank>\s+)
    |(?P<include>\#\s*include[^\n]*)
    |(?P<code>\w+|.)""", re.S | re.X)
C_TEST = re.compile(
    r"\bTEST(?:_SIGNAL)?\((\w+)"
    r"|\bTEST_F(?:_TIMEOUT|_SIGNAL)?\(\s*\w+,\s*(\w+)"
    r"|^(?:static )?void test_(\w+)\((?:void)?\)", re.M)


def from_c(source: str) -> Iterator[Block]:
    """Comments, string literals and test names of C."""
    line = 1
    literals: Lines = []
    for token in C_TOKEN.finditer(source):
        kind, text = token.lastgroup, token.group()
        if kind == "string":
            literals.append((line, text[1:-1].replace("\\n", " ")))
        elif kind in ("code", "char", "include") and literals:
            # The compiler joins neighbouring literals into one message.
            yield block("message", literals)
            literals = []
        if kind == "comment":
            body = re.sub(r"^/\*+|\*+/$|^//", "", text)
            body = re.sub(r"(?m)^[ \t]*\*+[ \t]?", "", body)
            yield from paragraphs("comment", numbered(body, line))
        line += text.count("\n")
    for match in C_TEST.finditer(source):
        name = next(filter(None, match.groups()))
        number = source.count("\n", 0, match.start()) + 1
        yield block("name", [(number, name.replace("_", " "))])


def from_python(source: str) -> Iterator[Block]:
    """Comments, strings and test names of Python."""
    comment: Lines = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            if comment and comment[-1][0] != line - 1:
                yield from paragraphs("comment", comment)
                comment = []
            comment.append((line, token.string.lstrip("#!")))
        elif token.type == tokenize.STRING:
            text = re.sub(r"""^\w*('{3}|"{3}|'|")|('{3}|"{3}|'|")$""", "", token.string)
            yield from paragraphs("message", numbered(text, line))
        elif token.type == tokenize.NAME and token.string.startswith("test_"):
            yield block("name", [(line, token.string[5:].replace("_", " "))])
    yield from paragraphs("comment", comment)


def from_script(source: str) -> Iterator[Block]:
    """Shell, make, awk, jq and TOML: comments; other lines one by one."""
    comment: Lines = []
    for number, line in numbered(source, 1):
        if re.match(r"\s*#", line):
            comment.append((number, line.strip().lstrip("#!")))
            continue
        yield from paragraphs("comment", comment)
        comment = []
        code, _, behind = re.sub(r"\s#\s", "\0", line, count=1).partition("\0")
        yield from paragraphs("message", [(number, code)])
        yield from paragraphs("comment", [(number, behind)])
    yield from paragraphs("comment", comment)


def from_prose(source: str) -> Iterator[Block]:
    """Documentation: all of its text."""
    yield from paragraphs("prose", numbered(source, 1))


def from_man(source: str) -> Iterator[Block]:
    """A man page: the text without comments and macros."""
    source = re.sub(r'(?m)^\.\\".*$|^\.Pp$', "", source)
    yield from from_prose(re.sub(r"(?m)^\.[A-Za-z]+ ?", "", source))


READERS: dict[str, Callable[[str], Iterator[Block]]] = {
    ".c": from_c, ".h": from_c, ".inc": from_c,
    ".py": from_python,
    ".rst": from_prose, ".yaml": from_prose,
    ".1": from_man, ".3": from_man, ".8": from_man,
    ".sh": from_script, ".bash": from_script, ".mk": from_script,
    ".awk": from_script, ".jq": from_script, ".toml": from_script,
    ".conf": from_script, ".in": from_script, ".service": from_script,
}


def reader(path: str, source: str) -> Callable[[str], Iterator[Block]] | None:
    """Find out how to read a file, by its name or its first line."""
    if os.path.realpath(path) == TABLE:
        return None
    extension = os.path.splitext(path)[1]
    if extension in READERS:
        return READERS[extension]
    first = source.partition("\n")[0]
    if first.startswith("#!") and "python" in first:
        return from_python
    if first.startswith("#"):
        return from_script
    if "Documentation/ABI/" in path:
        return from_prose
    return None


def search(path: str, source: str,
           table: list[Phrase]) -> Iterator[tuple[int, str, Phrase]]:
    """The line, the words and the entry of each phrase in the text of a file."""
    read = reader(path, source)
    if read is None:
        return
    for piece in read(source):
        for phrase in table:
            if piece.scope not in phrase.scopes:
                continue
            for match in phrase.regex.finditer(piece.text):
                words = match.group()
                start = match.start() + len(words) - len(words.lstrip(" .:;"))
                yield piece.line(start), words.strip(" .:;"), phrase


def files(paths: list[str]) -> Iterator[tuple[str, str]]:
    """Name and contents of each named text file, and of tracked ones in directories."""
    for path in paths:
        names = [path]
        if os.path.isdir(path):
            listed = subprocess.run(["git", "ls-files", "-z", path], check=True,
                                    capture_output=True, text=True).stdout
            names = [name for name in listed.split("\0")
                     if os.path.isfile(name) and not name.startswith("LICENSES/")]
        for name in names:
            with open(name, "rb") as file:
                data = file.read()
            try:
                if b"\0" not in data:
                    yield name, data.decode()
            except UnicodeDecodeError:
                pass                # not a text file


# For each scope: templates of files, with the text in the second and third lines.
SAMPLES = {
    "comment": [("a.c", "/*\n * {}\n * {}\n */\n"), ("a.c", "\n// {} {}\n"),
                ("a.h", "/**\n * @a: {}\n *      {}\n */\n"),
                ("a.py", "\n# {}\n# {}\n"), ("a.sh", "\n# {}\n# {}\n"),
                ("a.toml", "\n# {}\n# {}\n")],
    "message": [("a.c", 'f(\n"{} "\n"{}");\n'), ("a.py", '\nprint("""{}\n{}""")\n'),
                ("a.sh", "\necho '{} {}'\n")],
    "prose": [("a.rst", "\n{}\n{}\n"), ("a.yaml", "---\ndoc: {}\n  {}\n"),
              ("a.8", ".Nm\n{}\n{}\n")],
    "name": [("a.c", "\nTEST({}_{})\n"), ("a.c", "\nTEST_F(a, {}_{})\n"),
             ("a.c", "\nstatic void test_{}_{}(void)\n"),
             ("a.py", "\ndef test_{}_{}():\n")],
}


def sample(template: str, scope: str, text: str) -> str:
    """Put a text into a template; the last word of the text is on the next line."""
    if scope == "name":
        text = re.sub(r"\W+", "_", text)
        return template.format(*text.rsplit("_", 1))
    return template.format(*text.rsplit(" ", 1))


def self_test(table: list[Phrase]) -> int:
    """Check that each pattern is found in its bad text, and none in its good text."""
    failed = 0
    for phrase in table:
        for scope in sorted(phrase.scopes):
            for name, template in SAMPLES[scope]:
                bad = [line for line, _, found in
                       search(name, sample(template, scope, phrase.bad), table)
                       if found is phrase]
                good = list(search(name, sample(template, scope, phrase.good), table))
                if not bad or not 2 <= bad[0] <= 3 or good:
                    print(f"{phrase.regex.pattern}: wrong as {scope} of {name}: "
                          f"found in lines {bad}, and {good} in {phrase.good!r}")
                    failed += 1
    if failed == 0:
        print(f"each of the {len(table)} patterns is found in its bad text only")
    return failed


def check(paths: list[str], table: list[Phrase], count: bool) -> int:
    """Print the findings, and return the number of findings."""
    found: Counter[str] = Counter()
    for name, source in files(paths):
        for line, words, phrase in search(name, source, table):
            found[phrase.regex.pattern] += 1
            if not count:
                print(f"{name}:{line}: {words} -> {phrase.instead}")
    if count:
        for phrase in table:
            print(f"{found[phrase.regex.pattern]:6}  like: {phrase.bad}")
        print(f"{found.total():6}  in all")
    return found.total()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--count", action="store_true")
    mode.add_argument("--list", action="store_true")
    mode.add_argument("--self-test", action="store_true")
    parser.add_argument("path", nargs="*")
    arguments = parser.parse_args()
    table = phrases()
    if arguments.self_test:
        return 1 if self_test(table) else 0
    if arguments.list:
        for phrase in table:
            print(f"{phrase.bad}\n    -> {phrase.instead}")
        return 0
    for path in arguments.path:
        if not os.path.exists(path):
            parser.error(f"no such file or directory: '{path}'")
    if not arguments.path:
        os.chdir(TOP)
    return 1 if check(arguments.path or ["."], table, arguments.count) else 0


if __name__ == "__main__":
    sys.exit(main())
