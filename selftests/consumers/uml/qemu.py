#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Linux's nvme and e1000e drivers, in User-Mode Linux, use models of QEMU.

usage: qemu.py DIRECTORY

Prints TAP.  The module must be loaded and vuserd must run.
"""

import os
import sys

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from linux import HERE, steps
from peer import Peer

# peer.py and linux.py have put the directories of these into the path.
# pylint: disable=wrong-import-order
from server import Server
from tap import Failure, Tap, require, run, show_logs

MAC = "52:54:00:12:34:57"
ADDRESS = "10.99.0.1"
SIZE = 32 << 20
PINGS = 40


class Stand:
    """QEMU's servers of a disk and of a card, and the card's peer."""

    def __init__(self, work):
        self.work = work
        self.image = self.path("disk.img")
        self.peer = Peer(work, "e1000e", ADDRESS)
        self.nvme = self.card = None

    def path(self, name):
        return os.path.join(self.work, name)

    def start(self):
        with open(self.image, "wb") as file:
            file.truncate(SIZE)
        self.nvme = Server(self.work, "nvme", "nvme,drive=disk,serial=vuser", "-blockdev",
                           f"driver=file,filename={self.image},node-name=disk")
        self.card = Server(self.work, "e1000e", f"e1000e,netdev=wire,mac={MAC},romfile=",
                           *self.peer.options())

    def create(self):
        for server in (self.nvme, self.card):
            server.create()

    def unmapped(self):
        for server in (self.nvme, self.card):
            require(server.show()["dma-regions"] == 0, str(server.show()))

    def remove(self):
        for server in (self.nvme, self.card):
            server.remove()

    def stop(self):
        for server in (self.nvme, self.card):
            server.stop()

    def compare(self):
        """Compare the file in the disk's image with what was written."""
        run("e2fsck", "-f", "-n", self.image)
        run("debugfs", "-R", f"dump /inside {self.path('dumped')}", self.image)
        run("cmp", self.path("written"), self.path("dumped"))

    def answered(self):
        require(self.peer.pings == PINGS, f"{self.peer.pings} pings came, not {PINGS}")

    def clean_up(self):
        for server in (self.nvme, self.card):
            if server:
                server.clean_up()
        self.peer.close()


def scenario(tap, stand):
    tap.step("QEMU's servers start", stand.start)
    tap.step("the devices are attached", stand.create)
    steps(tap, stand.work, [stand.nvme.bdf, stand.card.bdf],
          os.path.join(HERE, "physical.sh"), stand.work, ADDRESS, MAC)
    tap.step("each ping came to the other end of the card", stand.answered)
    tap.step("no memory stays mapped", stand.unmapped)
    tap.step("the devices are removed", stand.remove)
    tap.step("QEMU's servers end", stand.stop)
    tap.step("the disk's image has the file", stand.compare)


def main(work):
    tap = Tap()
    stand = Stand(work)
    try:
        scenario(tap, stand)
    except Failure:
        show_logs(work)
    finally:
        stand.clean_up()
    print(f"1..{tap.count}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
