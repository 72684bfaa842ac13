#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Migrate a QEMU that uses a vuser-ioat to another QEMU, which uses another one.

usage: migrate.py UUID-FROM UUID-TO

UUID-FROM and UUID-TO are vuser devices whose servers are vuser-ioat.  Prints TAP.

No guest system is needed: the firmware halts the processor, and QEMU's qtest protocol lets
this program access the ports and the memory of the guest.  It does what a driver does.  The first
QEMU's device copies by a ring of descriptors while QEMU migrates.  The second QEMU's device
must carry out the rest, and no more.
"""

import os
import subprocess
import sys
import tempfile

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from migration import migrate
from qmp import LIMIT, Failure, listen, start
from qtest import Guest
from ring import (ACTIVE, BAR, BAR0, CHANCTRL, CHANCMP, CHANSTS, COMMAND, DMACOUNT, FROM,
                  MEMORY_AND_MASTER, SIZE, check_equal, copy, data, setup, wait_idle)

SLOT = 4
COPIES = 20000          # while QEMU migrates
MEMORY = 64             # MiB
BANDWIDTH = 100 << 20   # bytes for each second
HLT, FIRMWARE_SIZE = 0xf4, 0x10000


class Machine:
    """A QEMU with a device."""

    def __init__(self, name, directory, uuid, *options):
        qmp, qtest = (os.path.join(directory, f"{name}.{which}") for which in ("qmp", "qtest"))
        firmware = os.path.join(directory, "firmware")
        with open(firmware, "wb") as file:
            file.write(bytes([HLT]) * FIRMWARE_SIZE)
        with listen(qmp) as monitors, listen(qtest) as guests:
            self.process = subprocess.Popen([
                "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-m", str(MEMORY),
                "-bios", firmware,
                "-display", "none", "-nodefaults", "-no-user-config",
                "-chardev", f"socket,id=qmp,path={qmp}", "-mon", "qmp,mode=control",
                "-chardev", f"socket,id=qtest,path={qtest}", "-qtest", "chardev:qtest",
                "-device", f"vfio-pci,id=ioat,addr={SLOT},enable-migration=on,"
                f"sysfsdev=/sys/bus/mdev/devices/{uuid}", *options],
                stdin=subprocess.DEVNULL, stdout=sys.stderr)
            self.monitor = start(self.process, monitors)
            guests.settimeout(LIMIT)
            self.guest = Guest(guests.accept()[0], SLOT)

    def end(self):
        self.process.kill()
        self.process.wait()


class Migration:
    """The two QEMUs."""

    def __init__(self, directory, uuid_from, uuid_to):
        self.directory = directory
        self.uuids = (uuid_from, uuid_to)
        self.machines = []
        self.uri = f"unix:{directory}/migration"
        self.registers = {}

    def start_machines(self):
        for name, uuid, options in (("from", self.uuids[0], []),
                                    ("to", self.uuids[1], ["-incoming", "defer"])):
            self.machines.append(Machine(name, self.directory, uuid, *options))

    def use(self):
        guest = self.machines[0].guest
        setup(guest)
        copy(guest, 1)
        guest.store("w", BAR + DMACOUNT, 1 + COPIES)
        for register, size in ((CHANCTRL, "w"), (DMACOUNT, "w"), (CHANCMP, "q")):
            self.registers[register] = size, guest.load(size, BAR + register)

    def migrate(self):
        """Let QEMU migrate, with the default limit of the time for which the guest is stopped.

        In this time, QEMU may send less than the memory of the guest. So the migration ends
        only if QEMU learns which memory the device writes.
        """
        source, target = (machine.monitor for machine in self.machines)
        source.command("migrate-set-parameters", **{"max-bandwidth": BANDWIDTH})
        parameters = source.command("query-migrate-parameters")
        if parameters["downtime-limit"] * BANDWIDTH // 1000 >= MEMORY << 20:
            raise Failure("all memory of the guest can be sent while the guest is stopped")
        migrate(source, target, self.uri)

    def compare(self):
        guest = self.machines[1].guest
        check_equal("BAR 0", guest.config(BAR0) & ~0xf, BAR)
        check_equal("the command register", guest.config(COMMAND) & MEMORY_AND_MASTER,
                    MEMORY_AND_MASTER)
        for register, (size, value) in self.registers.items():
            check_equal(f"register {register:#x}", guest.load(size, BAR + register), value)
        if guest.read(FROM, SIZE) != data(0):
            raise Failure("the memory of the guest has changed")

    def go_on(self):
        guest = self.machines[1].guest
        state = guest.load("q", BAR + CHANSTS) & 7
        print(f"# the second device still had copies to make: {state == ACTIVE}")
        wait_idle(guest, 1 + COPIES)
        for count in 2, 3, 4:
            copy(guest, count + COPIES)


def main(uuid_from, uuid_to):
    count = 0

    def step(name, action):
        nonlocal count
        count += 1
        try:
            action()
        except (Failure, OSError) as failure:
            print(f"not ok {count} - {name}\n# {failure}")
            raise
        print(f"ok {count} - {name}", flush=True)

    with tempfile.TemporaryDirectory() as directory:
        migration = Migration(directory, uuid_from, uuid_to)
        try:
            step("both QEMUs start", migration.start_machines)
            step("the first device begins to copy", migration.use)
            step("QEMU migrates", migration.migrate)
            step("the second device has the registers of the first", migration.compare)
            step("the second device goes on with the copies", migration.go_on)
        except (Failure, OSError):
            return 1
        finally:
            for machine in migration.machines:
                machine.end()
            print(f"1..{count}")
    return 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
