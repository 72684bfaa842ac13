# SPDX-License-Identifier: GPL-2.0
"""A load for a disk in a guest: the program guest/blocks.c."""

from linux import value, wait_more
from tap import require, run

THREADS = 4
SAMPLES = 5
SECTORS = THREADS * 32 * 32     # that the program uses
STAT = "/sys/block/vda/stat"
INFLIGHT = "/sys/block/vda/inflight"


class Disk:
    """A virtio disk. BLOCKS is the program, IMAGE the file of the disk."""

    def __init__(self, blocks, image):
        self.blocks = blocks
        self.image = image
        self.places = []

    @staticmethod
    def wait(guest):
        """Wait for the driver."""
        guest.wait("[ -b /dev/vda ]")

    @staticmethod
    def start(guest):
        """Start the load, and check that the disk always has a request to work on."""
        guest.do(f"blocks /dev/vda {THREADS} > /blocks.log 2>&1 & pid=$!")
        wait_more(guest, "blocks", written, 1)
        seen = [sum(map(int, value(guest, INFLIGHT).split())) for _ in range(SAMPLES)]
        print(f"# requests in flight: {seen}")
        require(min(seen) > 0, "the disk is idle")

    @staticmethod
    def check_source(_):
        """The storage daemon has completed its requests when the disk stopped."""

    @staticmethod
    def go_on(guest):
        wait_more(guest, "blocks", written, 2 * SECTORS)

    def end(self, guest):
        """End the load, which compares all blocks. Compare the image, too."""
        guest.do("kill $pid; wait $pid")
        log = guest.do("while read -r line; do echo $line; done < /blocks.log").split("\n")
        print(f"# {log[0]}")
        run(self.blocks, "-c", self.image, *log[1].split())


def written(guest):
    """The number of sectors that the guest has written."""
    return int(value(guest, STAT).split()[6])
