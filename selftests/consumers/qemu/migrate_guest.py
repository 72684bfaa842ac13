#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Migrate a Linux guest that uses two devices under load to another QEMU with other devices.

usage: migrate_guest.py GUEST DISK-FROM DISK-TO IOAT-FROM IOAT-TO BLOCKS IMAGE

GUEST is a directory with vmlinuz, initramfs and state (boot.py). The devices, named by their
UUIDs, are disks of vuser-vhost with the file IMAGE, and vuser-ioat. BLOCKS is the program of
guest/blocks.c, which writes and compares blocks of a disk. The module copies (guest/copies.c)
copies memory, and compares. Prints TAP.
"""

import json
import os
import signal
import sys
import tempfile

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import qmp
from guest_disk import Disk
from guest_ioat import Ioat
from linux import Linux, vfio_pci
from migration import migrate, prepare, use_mapped_file, use_stream, wait_running
from tap import Failure, Tap, require, show_logs


class Stand:
    """Both QEMUs, and the loads, each with the UUIDs of its two devices."""

    def __init__(self, work, guest, loads, uuids):
        self.work = work
        self.boot = tuple(os.path.join(guest, name) for name in ("vmlinuz", "initramfs"))
        self.state = os.path.join(guest, "state")
        self.loads = loads
        self.devices = [[vfio_pci(uuid, slot) for slot, uuid in enumerate(side)]
                        for side in zip(*uuids)]
        self.source = self.target = None

    def go_on_with_boot(self):
        self.source = Linux("source", self.work, self.boot, "-incoming", "defer")
        use_mapped_file(self.source.monitor)
        self.source.monitor.command("migrate-incoming", uri=f"file:{self.state}")
        wait_running(self.source.monitor)
        self.source.do("true")
        use_stream(self.source.monitor)

    def plug(self):
        for device, load in zip(self.devices[0], self.loads):
            self.source.monitor.command("device_add", **device)
            load.wait(self.source)

    def use(self):
        for load in self.loads:
            load.start(self.source)

    def start_target(self):
        options = [word for device in self.devices[1]
                   for word in ("-device", json.dumps(device))]
        self.target = Linux("target", self.work, self.boot, "-incoming", "defer", *options)

    def migrate(self):
        prepare(self.source.monitor)
        migrate(self.source.monitor, self.target.monitor, f"unix:{self.work}/migration")

    def end_source(self):
        for load in self.loads:
            load.check_source(self.source.monitor)
        self.source.kill()

    def go_on(self):
        for load in self.loads:
            load.go_on(self.target)

    def end_loads(self):
        for load in self.loads:
            load.end(self.target)

    def check_messages(self):
        """Check that the guest's console, which shows warnings and errors, has none."""
        for name in ("source", "target"):
            with open(os.path.join(self.work, f"{name}-console.log"), encoding="utf-8",
                      errors="replace") as file:
                text = file.read().strip()
            require(not text, text)

    def clean_up(self):
        for one in (self.source, self.target):
            if one:
                one.kill()


def scenario(tap, stand):
    def step(name, action):
        def act():
            try:
                action()
            except (qmp.Failure, OSError) as failure:
                raise Failure(str(failure)) from failure

        tap.step(name, act)

    step("QEMU goes on with a guest that was booted before", stand.go_on_with_boot)
    step("the guest's drivers take the devices that are plugged in", stand.plug)
    step("the guest uses the devices", stand.use)
    step("another QEMU starts with other devices", stand.start_target)
    step("QEMU migrates the guest", stand.migrate)
    step("the first QEMU ends", stand.end_source)
    step("the guest goes on with the other devices", stand.go_on)
    step("each byte is right", stand.end_loads)
    step("the guest's kernel reports no error", stand.check_messages)


def main(guest, disk_from, disk_to, ioat_from, ioat_to, blocks, image):
    tap = Tap()
    with tempfile.TemporaryDirectory() as work:
        # QEMU stops the last device first, and the disk takes long: vuser-ioat must not
        # complete its copies meanwhile.
        stand = Stand(work, guest, (Disk(blocks, image), Ioat()),
                      ((disk_from, disk_to), (ioat_from, ioat_to)))
        try:
            scenario(tap, stand)
        except Failure:
            show_logs(work)
        finally:
            stand.clean_up()
    print(f"1..{tap.count}")


if len(sys.argv) != 8:
    sys.exit(__doc__)
# Exit on SIGTERM, so that clean_up() ends the processes.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main(*sys.argv[1:])
