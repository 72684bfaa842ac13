# SPDX-License-Identifier: GPL-2.0
"""Debian's dpdk-testpmd, controlled at its prompt, and files of packets."""

import os
import pty
import re
import struct
import subprocess
import threading
import time

from tap import SOON, Failure

PROMPT = b"testpmd> "
# testpmd writes its prompt byte by byte, and reports events of ports from another thread. A
# report in the middle of the prompt would hide the prompt.
QUIET = ["--mask-event", "intr_lsc"]
ETHERTYPE_LOCAL = 0x88B5


class Console:
    """A program with a terminal.

    A thread reads all of the output: otherwise DPDK blocks when it prints, even
    during a reply to a front end.  The errors of a process with net_vhost go only to
    the log: its threads print at any time, even in the middle of a prompt.
    """

    def __init__(self, name, argv, log):
        self.name = name
        self.log = log
        self.said = b""
        self.ended = False
        self.changed = threading.Condition()
        self.fd, slave = pty.openpty()
        apart = any("net_vhost" in arg for arg in argv)
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                argv, stdin=slave, stdout=slave,
                stderr=errors if apart else slave, start_new_session=True)
        os.close(slave)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        with open(self.log, "ab", buffering=0) as log:
            while not self.ended:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                log.write(data)
                with self.changed:
                    self.said += data
                    self.ended = not data
                    self.changed.notify()

    def forget(self):
        """Drop the output that was not read."""
        with self.changed:
            self.said = b""

    def read_to(self, marker):
        """Wait for the next @marker; return the output before it."""
        with self.changed:
            self.changed.wait_for(lambda: marker in self.said or self.ended, SOON)
            text, found, rest = self.said.partition(marker)
            if found:
                self.said = rest
                return text.decode(errors="replace")
        raise Failure(f"{self.name}: {'ended' if self.ended else 'timeout'} before "
                      f"'{marker.decode()}', after: "
                      + text.decode(errors="replace")[-2000:])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Testpmd(Console):
    """One dpdk-testpmd.  Its output before the first prompt is in @began."""

    def __init__(self, name, argv, log):
        super().__init__(name, argv + QUIET, log)
        self.began = self.read_to(PROMPT)

    def command(self, line):
        """Type a line; return its output."""
        os.write(self.fd, line.encode() + b"\n")
        return self.read_to(PROMPT)

    def stats(self, port):
        """Return (received, sent, failed to send) of a port."""
        text = self.command(f"show port stats {port}")
        found = [re.search(rf"{key}:\s+(\d+)", text)
                 for key in ("RX-packets", "TX-packets", "TX-errors")]
        if not all(found):
            raise Failure(f"{self.name}: no numbers in: {text}")
        return tuple(int(match[1]) for match in found)

    def link_up(self, port):
        text = self.command(f"show port info {port}")
        match = re.search(r"Link status: (\w+)", text)
        if not match:
            raise Failure(f"{self.name}: no link in: {text}")
        return match[1] == "up"

    def wait(self, what, condition):
        """Repeat @condition until it holds."""
        end = time.monotonic() + SOON
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"{self.name}: timeout: {what}")

    def quit(self):
        """End the program with "quit", so that it closes its port."""
        if self.process.poll() is None:
            os.write(self.fd, b"quit\n")
            self.listener.join(SOON)
        if self.listener.is_alive():
            raise Failure(f"{self.name} does not end")
        return self.process.wait(SOON)


def packets(seed, count, longest=1514):
    """Return different frames of all sizes, each with its number."""
    pattern = bytes(range(256)) * (longest // 256 + 2)
    result = []
    for i in range(count):
        size = 60 + (i * 97 + seed * 13) % (longest - 59)
        head = bytes([2, 0, 0, 0, 0, seed, 2, 0, 0, 0, 1, seed])
        head += struct.pack(">HI", ETHERTYPE_LOCAL, i)
        start = (i * 7 + seed) & 0xff
        result.append(head + pattern[start:start + size - len(head)])
    return result


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            file.write(struct.pack("<IIII", i, 0, len(frame), len(frame)))
            file.write(frame)


def read_pcap(path):
    """Return the frames in a file that DPDK and libpcap wrote."""
    with open(path, "rb") as file:
        data = file.read()
    at, frames = 24, []
    while at < len(data):
        _, _, kept, length = struct.unpack_from("<IIII", data, at)
        if kept != length or at + 16 + kept > len(data):
            raise Failure(f"{path}: a frame was cut short")
        frames.append(data[at + 16:at + 16 + kept])
        at += 16 + kept
    return frames
