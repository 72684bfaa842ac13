# SPDX-License-Identifier: GPL-2.0
"""Do what a driver of vuser-ioat does: make a ring of descriptors, and let the device copy.

The functions take a qtest.Guest.
"""

import struct
import time

from qmp import LIMIT, Failure

COMMAND, BAR0 = 0x04, 0x10
MEMORY_AND_MASTER = 0x6
BAR = 0xe0000000
CHANCTRL, CHANCMD, DMACOUNT, CHANSTS = 0x80, 0x84, 0x86, 0x88
CHAINADDR, CHANCMP, CHANERR = 0x90, 0x98, 0xa8
RESET = 0x20            # in CHANCMD, until the channel is reset
ACTIVE, IDLE = 0, 1     # states in CHANSTS
COMPLETION = 1 << 3     # of a descriptor's control word
CHAIN, STATUS, FROM, TO = 0x200000, 0x300000, 0x400000, 0x500000
SIZE = 0x10000
RING = 3                # descriptors


def descriptor(index):
    return CHAIN + 64 * index


def data(index):
    return bytes((index * 7 + i * 13) % 256 for i in range(256)) * (SIZE // 256)


def wait_while(guest, size, register, bits, value):
    """Wait while some bits of a register have a value; return the register's next value."""
    end = time.monotonic() + LIMIT
    while (seen := guest.load(size, BAR + register)) & bits == value:
        if time.monotonic() > end:
            raise Failure(f"register {register:#x} stays {seen:#x}")
        time.sleep(0.01)
    return seen


def setup(guest):
    """Set up the device as firmware and a driver do, and make the ring."""
    guest.set_config(BAR0, BAR)
    guest.set_config(BAR0 + 4, 0)
    guest.set_config(COMMAND, MEMORY_AND_MASTER)
    guest.store("b", BAR + CHANCMD, RESET)
    wait_while(guest, "b", CHANCMD, RESET, RESET)
    for index in range(RING):
        guest.write(FROM + SIZE * index, data(index))
        guest.write(descriptor(index), struct.pack(
            "<IIQQQ", SIZE, COMPLETION, FROM + SIZE * index, TO + SIZE * index,
            descriptor((index + 1) % RING)))
    guest.store("q", BAR + CHANCMP, STATUS)
    guest.store("q", BAR + CHAINADDR, CHAIN)


def wait_idle(guest, count):
    """Wait until the device has carried out COUNT descriptors, and check the last copy."""
    last = (count - 1) % RING
    status = wait_while(guest, "q", CHANSTS, 7, ACTIVE)
    check_equal("CHANERR", guest.load("l", BAR + CHANERR), 0)
    check_equal("CHANSTS", status, descriptor(last) | IDLE)
    check_equal("the status in memory", guest.load("q", STATUS) & ~7, descriptor(last))
    if guest.read(TO + SIZE * last, SIZE) != data(last):
        raise Failure("the copy is wrong")


def copy(guest, count):
    """Let the device carry out descriptor number COUNT, and check the copy."""
    guest.command("memset", f"{TO:#x}", f"{SIZE * RING:#x}", "0")
    guest.store("w", BAR + DMACOUNT, count)
    wait_idle(guest, count)


def check_equal(what, seen, wanted):
    if seen != wanted:
        raise Failure(f"{what} is {seen:#x}, not {wanted:#x}")
