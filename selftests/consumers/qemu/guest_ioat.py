# SPDX-License-Identifier: GPL-2.0
"""A load for a DMA engine in a guest: Linux's driver ioatdma, and the module guest/copies.c."""

import re

from linux import value, wait_more
from tap import require

CHANSTS = 0x88      # of the first channel; 0 in its low bits: the channel is active
ROUNDS = 3          # of copies at the target
CHANNEL = "/sys/class/dma/dma0chan0"
PARAMETERS = "/sys/module/copies/parameters"


class Ioat:
    """An I/OAT DMA engine."""

    def __init__(self):
        self.bar = None

    def wait(self, guest):
        """Wait for the driver."""
        guest.wait(f"[ -d {CHANNEL} ]")
        self.bar = int(value(guest, f"{CHANNEL}/device/resource").split()[0], 16)

    @staticmethod
    def start(guest):
        guest.do("insmod /bin/copies.ko")
        wait_more(guest, "copies", rounds, 1)

    def check_source(self, monitor):
        """Check that the channel stopped with copies to make."""
        text = monitor.command("human-monitor-command", **{
            "command-line": f"xp /1gx {self.bar + CHANSTS:#x}"})
        status = int(re.search(r"0x[0-9a-f]{16}$", text.strip())[0], 16)
        require(status & 7 == 0, f"the channel was idle, CHANSTS is {status:#x}")

    @staticmethod
    def go_on(guest):
        wait_more(guest, "copies", rounds, ROUNDS)

    @staticmethod
    def end(guest):
        """End the load."""
        print(f"# {rounds(guest)} rounds of copies")
        guest.do("rmmod copies")


def rounds(guest):
    """The number of rounds of copies; the module must have found no fault."""
    failure = value(guest, f"{PARAMETERS}/failure")
    require(failure == "none", f"copies: {failure}")
    return int(value(guest, f"{PARAMETERS}/rounds"))
