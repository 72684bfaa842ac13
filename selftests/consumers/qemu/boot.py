#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot a Linux guest, and save its state to a file, from which QEMU can go on with it.

usage: boot.py KERNEL INITRAMFS STATE

The machines of the lab emulate a processor. A boot in such a machine would be an emulation
inside an emulation, which takes minutes. To load the state takes seconds.
"""

import os
import sys
import tempfile

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from linux import Linux
from migration import prepare, use_mapped_file, wait_migrated


def main(kernel, initramfs, state):
    with tempfile.TemporaryDirectory() as work:
        guest = Linux("guest", work, (kernel, initramfs))
        try:
            guest.boot()
            prepare(guest.monitor)
            use_mapped_file(guest.monitor)
            guest.monitor.command("migrate", uri=f"file:{os.path.abspath(state)}")
            wait_migrated(guest.monitor)
        finally:
            guest.kill()


if len(sys.argv) != 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
