# SPDX-License-Identifier: GPL-2.0
"""The shell in a guest, which guest-init reads from a serial port."""

import os
import re
import select
import time

from tap import SOON, Failure, require

BOOT = 240


class Shell:
    """A QEMU whose standard input and output are the serial port."""

    limit = SOON    # for one line, in seconds

    def __init__(self, process):
        self.process = process
        self.rest = b""

    def read_to(self, pattern, limit):
        """Return the output before a line that matches, and the match."""
        end = time.monotonic() + limit
        while True:
            match = re.search(rb"(?m)^%b\r?\n" % pattern, self.rest)
            if match:
                text = self.rest[:match.start()]
                self.rest = self.rest[match.end():]
                return text.decode(errors="replace"), match
            left = max(end - time.monotonic(), 0)
            if not select.select([self.process.stdout], [], [], left)[0]:
                raise Failure("the guest does not answer: "
                              + self.rest.decode(errors="replace"))
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise Failure("the guest has ended")
            self.rest += data

    def boot(self):
        self.read_to(b"ready", BOOT)

    def ask(self, line):
        """Run a line of shell; return (output, status)."""
        os.write(self.process.stdin.fileno(), line.encode() + b"\n")
        text, match = self.read_to(rb"exit (\d+)", self.limit)
        return text.replace("\r", ""), int(match[1])

    def do(self, line):
        """Run a line of shell, which must succeed; return its output."""
        text, status = self.ask(line)
        require(not status, f"{line}: exit status {status}: {text}")
        return text.strip()

    def wait(self, line):
        """Run a line of shell until it succeeds."""
        end = time.monotonic() + self.limit
        while self.ask(line)[1]:
            require(time.monotonic() < end, f"does not succeed within {self.limit} s: {line}")

    def kill(self):
        self.process.kill()
        self.process.wait()
