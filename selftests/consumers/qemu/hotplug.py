#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Plug a vuser device into a QEMU and unplug it, again and again.

usage: hotplug.py NUMBER UUID SOCKET SERVER [ARGUMENT...]

SERVER serves the device UUID at SOCKET; this program starts it, and kills it each tenth
time while the device is plugged in.  Prints TAP.  vuserd must run.

QEMU unplugs a device at once if the slot's power is off. The slot is a pcie-root-port
with native hotplug, whose power is off until a guest switches it on. The guest never
runs here (-S), so device_del does not wait for it. QEMU's vfio-pci does all that it does
for a guest that runs: it opens the device, maps all guest memory, reads the regions, and
sets up interrupts.
"""

import os
import select
import subprocess
import sys
import tempfile
import time

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from qmp import LIMIT, Failure, listen, start

KILL_EACH = 10
WARM = 20       # turns after which no more files and memory may be in use
GROWTH = 2048   # KiB that a process or the kernel may grow by after that


class State:
    """The state of the device, as its attribute in sysfs shows it."""

    def __init__(self, uuid):
        self.file = open(f"/sys/bus/mdev/devices/{uuid}/vuser/state", encoding="ascii")
        self.poll = select.poll()
        self.poll.register(self.file, select.POLLPRI | select.POLLERR)

    def read(self):
        self.file.seek(0)
        return self.file.read().strip()

    def wait(self, wanted):
        end = time.monotonic() + LIMIT
        while (seen := self.read()) != wanted:
            left = end - time.monotonic()
            if left <= 0:
                raise Failure(f"the device is {seen}, not {wanted}")
            self.poll.poll(left * 1000)


def resident(pid):
    """Memory of a process in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def kernel_memory():
    """Memory of the kernel's objects in KiB, of all kinds."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("SUnreclaim:"))


def files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Stand:
    """The server, QEMU, and what is known about them."""

    def __init__(self, uuid, server, directory):
        self.uuid = uuid
        self.command = server
        self.state = State(uuid)
        self.server = self.qemu = self.monitor = None
        self.qmp = os.path.join(directory, "qmp")
        self.vuserd = int(subprocess.check_output(["pidof", "vuserd"]))
        self.killed = 0
        self.use = {}

    def start_server(self):
        self.server = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                       stdout=sys.stderr)
        self.state.wait("attached")

    def start_qemu(self):
        with listen(self.qmp) as server:
            self.qemu = subprocess.Popen([
                "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-S",
                "-m", "64", "-display", "none", "-nodefaults", "-no-user-config",
                "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                "-device", "pcie-root-port,id=slot0,chassis=1,slot=1",
                "-chardev", f"socket,id=qmp,path={self.qmp}", "-mon", "qmp,mode=control"],
                stdin=subprocess.DEVNULL, stdout=sys.stderr)
            self.monitor = start(self.qemu, server)

    def plug(self):
        self.monitor.command("device_add", driver="vfio-pci", id="hot", bus="slot0",
                             sysfsdev=f"/sys/bus/mdev/devices/{self.uuid}")
        self.state.wait("open")

    def unplug(self):
        self.monitor.command("device_del", id="hot")
        self.monitor.wait_event("DEVICE_DELETED", device="hot")

    def kill_server(self):
        self.server.kill()
        self.server.wait()
        self.state.wait("lost")
        self.killed += 1

    def turn(self, number):
        """One turn: plug, each tenth time lose the server, unplug."""
        kill = number % KILL_EACH == 0
        self.plug()
        if kill:
            self.kill_server()
        self.unplug()
        if kill:
            self.state.wait("created")
            self.start_server()
        self.state.wait("attached")

    def measure(self):
        """Files and memory in use."""
        found = {}
        # KASAN keeps freed objects for a while; there the lab looks for leaks by kmemleak.
        if not os.path.exists("/sys/kernel/debug/kmemleak"):
            found["memory of the kernel"] = kernel_memory()
        for name, pid in (("QEMU", self.qemu.pid), ("vuserd", self.vuserd)):
            found[f"files of {name}"] = files(pid)
            found[f"memory of {name}"] = resident(pid)
        return found

    def turns(self, first, last):
        for number in range(first, last + 1):
            try:
                self.turn(number)
            except Failure as failure:
                raise Failure(f"time {number}: {failure}") from failure

    def clean_up(self):
        for one in (self.qemu, self.server):
            if one:
                one.kill()
                one.wait()


def grown(before, after):
    """Name what is in use that was not before; None if there is nothing."""
    for name, value in after.items():
        allowed = GROWTH if name.startswith("memory") else 0
        if value > before[name] + allowed:
            return f"{name}: {value}, it was {before[name]}"
    return None


def compare(before, measure):
    """Check that nothing is in use that was not before.

    vuserd closes a server's files in a thread, also after it has attached the device.
    Nothing reports when the thread is done, so measure again until LIMIT.
    """
    end = time.monotonic() + LIMIT
    while True:
        after = measure()
        more = grown(before, after)
        if not more or time.monotonic() > end:
            break
        time.sleep(0.1)
    print(f"# before: {before}")
    print(f"# after: {after}")
    if more:
        raise Failure(more)


def run(stand, number, step):
    step("the server starts", stand.start_server)
    step("QEMU starts", stand.start_qemu)
    step(f"the device is plugged and unplugged {WARM} times", stand.turns, 1, WARM)
    before = stand.measure()
    begin = time.monotonic()
    step(f"the device is plugged and unplugged {number - WARM} more times",
         stand.turns, WARM + 1, number)
    each = (time.monotonic() - begin) / (number - WARM)
    print(f"# {each * 1000:.0f} ms for each time; the server was killed {stand.killed} times")
    step("QEMU, vuserd and the kernel keep no files and no memory", compare, before, stand.measure)


def main(number, uuid, *server):
    count = 0

    def step(name, action, *args):
        nonlocal count
        count += 1
        try:
            action(*args)
        except (Failure, OSError) as failure:
            print(f"not ok {count} - {name}\n# {failure}")
            raise
        print(f"ok {count} - {name}", flush=True)

    with tempfile.TemporaryDirectory() as directory:
        stand = Stand(uuid, server, directory)
        try:
            run(stand, int(number), step)
        except (Failure, OSError):
            return 1
        finally:
            stand.clean_up()
            print(f"1..{count}")
    return 0


if len(sys.argv) < 4:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
