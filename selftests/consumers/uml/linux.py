# SPDX-License-Identifier: GPL-2.0
"""Commands in User-Mode Linux, whose drivers use devices of vuser."""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(HERE, "../vhost"))

# pylint: disable=wrong-import-position
from tap import Failure, require


def inside(work, addresses, *argv):
    """Run a command in User-Mode Linux with the devices of PCI @addresses; return its
    exit status and its output. The kernel's messages are in @work/linux.log."""
    done = subprocess.run(
        [os.path.join(TOP, "lab/vm/uml"), os.path.join(work, "linux.log"),
         ",".join(addresses), *argv],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def parse(text):
    """Split TAP into (passed, name, comments) of each result."""
    results = []
    for line in text.splitlines():
        match = re.match(r"(not )?ok \d+ - (.*)", line)
        if match:
            results.append((not match[1], match[2], []))
        elif results:
            results[-1][2].append(line.removeprefix("# "))
    return results


def steps(tap, work, addresses, *argv):
    """Run a command that prints TAP; its results become steps."""
    status, text = inside(work, addresses, *argv)

    def result(passed, comments):
        require(passed, "\n".join(comments))

    failed = None
    for passed, name, comments in parse(text):
        try:
            tap.step(name, result, passed, comments)
        except Failure as failure:
            failed = failed or failure
    if failed:
        raise failed
    planned = re.findall(r"^1\.\.(\d+)$", text, re.M)
    tap.step("the command in User-Mode Linux runs to its end", require,
             status == 0 and planned == [str(len(parse(text)))],
             f"exit status {status} after: {text}")
