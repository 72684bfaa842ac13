# SPDX-License-Identifier: GPL-2.0
"""The other end of a network card of QEMU: each datagram of a UNIX socket is a frame."""

import os
import socket
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../vhost"))

# pylint: disable=wrong-import-position
from tap import SOON, Failure


class Wire:
    """A thread receives all frames; so QEMU never waits for us."""

    def __init__(self, work, name):
        self.ours = os.path.join(work, f"{name}.ours")
        self.theirs = os.path.join(work, f"{name}.theirs")
        self.frames = []
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.ours)
        self.socket.settimeout(SOON)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def options(self):
        """The options of QEMU for this network."""
        return ["-netdev", "dgram,id=wire,local.type=unix,remote.type=unix,"
                           f"local.path={self.theirs},remote.path={self.ours}"]

    def listen(self):
        while True:
            try:
                frame = self.socket.recv(65536)
            except TimeoutError:
                continue
            if not frame:
                return
            with self.changed:
                self.frames.append(frame)
                self.changed.notify()
            self.answer(frame)

    def answer(self, frame):
        """Answer a frame. A wire only keeps it; peers do more."""

    def forget(self):
        """Drop the frames that were received up to now."""
        with self.changed:
            self.frames.clear()

    def send(self, frames):
        """Send frames. While the card has no room, QEMU does not read and we wait."""
        for number, frame in enumerate(frames):
            try:
                self.socket.sendto(frame, self.theirs)
            except OSError as error:
                raise Failure(f"frame {number} cannot be sent: {error}") from error

    def receive(self, count):
        """Wait for @count frames and return all that have come."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.frames) >= count, SOON)
            return list(self.frames)

    def close(self):
        """End the thread by an empty datagram, which no card sends."""
        self.socket.sendto(b"", self.ours)
        self.listener.join()
        self.socket.close()
