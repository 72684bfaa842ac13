# SPDX-License-Identifier: GPL-2.0
"""A Linux guest in a QEMU that is a vfio-user client; it runs lines of shell."""

import json
import os
import re
import select
import subprocess
import time

from tap import SOON, Failure, require

BOOT = 240
MEMORY = "256M"
# Queues of a device: one for each processor.
QUEUES = 4


class Guest:
    """QEMU, and the shell of guest-init in the guest."""

    def __init__(self, work, kernel, initramfs, sockets):
        argv = [
            "qemu-system-x86_64", "-machine", "q35,memory-backend=ram",
            "-accel", "tcg,thread=multi", "-cpu", "max,la57=off",
            "-smp", str(QUEUES), "-m", MEMORY, "-object",
            f"memory-backend-memfd,id=ram,size={MEMORY},share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", kernel, "-initrd", initramfs, "-append",
            "console=ttyS0 panic=-1 oops=panic "
            "mitigations=off nokaslr no_timer_check net.ifnames=0 tsc=reliable",
            "-serial", f"file:{work}/console.log", "-serial", "chardev:words",
            "-chardev", "stdio,id=words,signal=off"]
        for path in sockets:
            argv += ["-device", json.dumps({
                "driver": "vfio-user-pci",
                "socket": {"type": "unix", "path": path}})]
        with open(os.path.join(work, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
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
        text, match = self.read_to(rb"exit (\d+)", SOON)
        return text.replace("\r", ""), int(match[1])

    def do(self, line):
        """Run a line of shell, which must succeed; return its output."""
        text, status = self.ask(line)
        require(not status, f"{line}: exit status {status}: {text}")
        return text.strip()

    def wait(self, line):
        """Run a line of shell until it succeeds."""
        end = time.monotonic() + SOON
        while self.ask(line)[1]:
            require(time.monotonic() < end, f"does not succeed within {SOON} s: {line}")

    def kill(self):
        self.process.kill()
        self.process.wait()
