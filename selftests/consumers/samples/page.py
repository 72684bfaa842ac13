#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the commands of a documentation page and compare their output.

usage: page.py PAGE

Reads the blocks "code-block:: console" of PAGE. A line "# COMMAND" is run in bash,
in the current directory; the lines after it are the expected output. "..." in an
expected line stands for any text. All commands run in one shell. Each command is a
test: it passes if its exit status is 0 and the output is as expected. Prints TAP.
"""

import os
import re
import signal
import subprocess
import sys

PROMPT = "# "
# Ends the output of a command; the exit status follows.
MARK = "page.py-exit-status"


def commands(page):
    """The commands of a page, each with the lines of its output."""
    found = []
    for block in re.findall(r"^\.\. code-block:: console\n\n((?: {3}.*\n|\n)+)",
                            page, re.M):
        for line in re.sub(r"(?m)^ {3}", "", block).strip("\n").split("\n"):
            if line.startswith(PROMPT):
                found.append((line[len(PROMPT):], []))
            else:
                found[-1][1].append(line)
    return found


def run(shell, command):
    """Run a command in the shell: its exit status and the lines of its output."""
    shell.stdin.write(f"{command}\nstatus=$?; echo; echo {MARK} $status\n")
    shell.stdin.flush()
    lines = []
    for line in shell.stdout:
        if line.startswith(MARK):
            text = "".join(lines).removesuffix("\n")
            return int(line.split()[1]), text.splitlines()
        lines.append(line)
    return None, "".join(lines).splitlines()


def matches(expected, lines):
    """Whether the output is the expected one."""
    pattern = ".*".join(map(re.escape, "\n".join(expected).split("...")))
    return re.fullmatch(pattern, "\n".join(lines)) is not None


def main(path):
    with open(path, encoding="utf-8") as file:
        wanted = commands(file.read())
    if not wanted:
        sys.exit(f"{path}: no commands")
    print(f"1..{len(wanted)}", flush=True)
    failed = 0
    with subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          start_new_session=True) as shell:
        try:
            for number, (command, expected) in enumerate(wanted, 1):
                status, lines = run(shell, command)
                good = status == 0 and matches(expected, lines)
                failed += not good
                print(f"{'' if good else 'not '}ok {number} - {command}")
                if not good:
                    print(f"# exit status {status}")
                    for line in expected:
                        print(f"# expected: {line}")
                    for line in lines:
                        print(f"# output:   {line}")
                sys.stdout.flush()
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
    return 1 if failed else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1]))
