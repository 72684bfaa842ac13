#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Act as the driver of a vuser-ioat in a QEMU's guest, or as the guest's hot-plug driver.

usage: driver.py PORT SLOT copy|eject

QEMU has a machine "pc" and listens for its qtest protocol on a port of 127.0.0.1. SLOT is that
of the device on the guest's first PCI bus.

copy   sets up the device, lets it make some copies and compares the bytes
eject  waits until QEMU asks the guest to give the device back, and gives it back
"""

import socket
import sys
import time

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import ring
from qmp import LIMIT, Failure
from qtest import Guest

# The registers of ACPI's hot plug in QEMU's machine "pc" (docs/specs/acpi_pci_hotplug.rst).
DOWN, EJECT, BUS = 0xae04, 0xae08, 0xae10
COPIES = 7


def copy(guest):
    ring.setup(guest)
    for count in range(1, COPIES + 1):
        ring.copy(guest, count)


def eject(guest):
    guest.set_port(BUS, 0)
    end = time.monotonic() + LIMIT
    while not guest.port(DOWN) & 1 << guest.slot:
        if time.monotonic() > end:
            raise Failure("QEMU does not ask for the device")
        time.sleep(0.1)
    guest.set_port(EJECT, 1 << guest.slot)


def main(port, slot, action):
    try:
        with socket.create_connection(("127.0.0.1", int(port)), LIMIT) as sock:
            {"copy": copy, "eject": eject}[action](Guest(sock, int(slot)))
    except (Failure, OSError) as failure:
        print(f"driver.py: {failure}", file=sys.stderr)
        return 1
    return 0


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
