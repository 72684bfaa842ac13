# SPDX-License-Identifier: GPL-2.0
"""A Linux guest in a QEMU that uses vuser devices by vfio-pci."""

import os
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vhost"))

# pylint: disable=wrong-import-position
from qmp import listen, start
from shell import Shell
from tap import require

MEMORY = "192M"
SLOTS = 2
# An emulated fast string instruction takes a step for each byte.
PROCESSOR = "max,la57=off,-erms,-fsrm,-fzrm,-fsrs,-fsrc"
# The guest's time: each instruction takes 2 ** SHIFT ns. With real time, an emulation inside
# an emulation would do nothing but serve the timer of its kernel.
SHIFT = 4
WORDS = ("console=ttyS0 quiet panic=-1 oops=panic mitigations=off init_on_alloc=0 nokaslr no_timer_check "
         "net.ifnames=0")


class Linux(Shell):
    """QEMU with slots for PCI devices, and the shell of guest-init in the guest."""

    limit = 900     # seconds; emulation inside emulation is slow

    def __init__(self, name, work, boot, *options):
        kernel, initramfs = boot
        argv = [
            "qemu-system-x86_64", "-machine", "q35,memory-backend=ram", "-accel", "tcg",
            "-cpu", PROCESSOR, "-icount", f"shift={SHIFT}", "-m", MEMORY,
            "-object", f"memory-backend-memfd,id=ram,size={MEMORY},share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", kernel, "-initrd", initramfs, "-append", WORDS,
            "-serial", f"file:{work}/{name}-console.log", "-serial", "chardev:words",
            "-chardev", "stdio,id=words,signal=off",
            "-chardev", f"socket,id=qmp,path={work}/{name}.qmp", "-mon", "qmp,mode=control",
            *slots()]
        with listen(f"{work}/{name}.qmp") as monitors, \
                open(f"{work}/{name}-qemu.log", "wb") as log:
            super().__init__(subprocess.Popen(
                [*argv, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log))
            self.monitor = start(self.process, monitors)


def slots():
    """The options that make the slots."""
    return [word for i in range(SLOTS) for word in
            ("-device", f"pcie-root-port,id=slot{i},chassis={i + 1},slot={i + 1}")]


def vfio_pci(uuid, slot):
    """The options of a device in a slot, for device_add and for -device."""
    return {"driver": "vfio-pci", "id": f"device{slot}", "bus": f"slot{slot}",
            "sysfsdev": f"/sys/bus/mdev/devices/{uuid}", "enable-migration": "on"}


def value(guest, path):
    """The first line of a file, without a program: to start one takes long."""
    return guest.do(f"read -r line < {path}; echo $line")


def wait_more(guest, what, count, more):
    """Wait until a number of the guest has grown."""
    begin, end = count(guest), time.monotonic() + guest.limit
    while count(guest) < begin + more:
        require(time.monotonic() < end, f"no more {what}")
