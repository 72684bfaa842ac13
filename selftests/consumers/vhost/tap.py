# SPDX-License-Identifier: GPL-2.0
"""Steps of a scenario, printed as TAP."""

import os
import re
import subprocess

# The time limit, in seconds, for an event that is expected at once. TCG is slow.
SOON = 180


class Failure(Exception):
    """A failed step, with a text for the user."""


class Tap:
    """Steps of a scenario; each depends on the ones before, so a failure ends it."""

    def __init__(self):
        self.count = 0

    def step(self, name, action, *args):
        self.count += 1
        try:
            action(*args)
        except Failure as failure:
            print(f"not ok {self.count} - {name}")
            for line in str(failure).replace("\r", "").splitlines():
                print(f"# {line}")
            raise
        print(f"ok {self.count} - {name}", flush=True)


def require(condition, text):
    if not condition:
        raise Failure(text)


def run(*argv):
    """Run a program, which must succeed; return its output."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


def version_of(package):
    """The first two numbers of a Debian package's version."""
    text = run("dpkg-query", "-W", "-f", "${source:Upstream-Version}", package)
    return re.match(r"[0-9]+\.[0-9]+", text)[0]


def tested(kernel, consumer, server):
    """Record which consumer has driven which server, as selftests/tested.sh does."""
    print(f"# tested: {os.environ.get('LAB', '-')} {kernel}: {consumer} -> {server}")


def show_logs(work):
    """Print the end of each log in a directory as comments."""
    for log in sorted(os.listdir(work)):
        if not log.endswith(".log"):
            continue
        with open(os.path.join(work, log), errors="replace",
                  encoding="utf-8") as file:
            text = file.read().replace("\r", "\n")
        for line in text.split("\n")[-25:]:
            print(f"# {log}: {line}")
