# SPDX-License-Identifier: GPL-2.0
"""A Linux guest in a QEMU that is a vfio-user client; it runs lines of shell."""

import json
import os
import subprocess

from shell import Shell

MEMORY = "256M"
# Queues of a device: one for each processor.
QUEUES = 4


class Guest(Shell):
    """QEMU, and the shell of guest-init in the guest."""

    def __init__(self, work, kernel, initramfs, sockets):
        argv = [
            "qemu-system-x86_64", "-machine", "q35,memory-backend=ram",
            "-accel", "tcg,thread=multi", "-cpu", "max,la57=off",
            "-smp", str(QUEUES), "-m", MEMORY, "-object",
            f"memory-backend-memfd,id=ram,size={MEMORY},share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", kernel, "-initrd", initramfs, "-append",
            "console=ttyS0 panic=-1 oops=panic "
            "mitigations=off nokaslr no_timer_check net.ifnames=0 tsc=reliable",
            "-serial", f"file:{work}/console.log", "-serial", "chardev:words",
            "-chardev", "stdio,id=words,signal=off"]
        for path in sockets:
            argv += ["-device", json.dumps({
                "driver": "vfio-user-pci",
                "socket": {"type": "unix", "path": path}})]
        with open(os.path.join(work, "qemu.log"), "wb") as log:
            super().__init__(subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log))
