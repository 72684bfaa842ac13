#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run QEMU until its firmware has finished, and check one of its PCI devices.

usage: qemu_pci.py [--run COMMAND] VENDOR:DEVICE QEMU [ARGUMENT...]

No guest system is needed: SeaBIOS finds the device, sizes and places its BARs
and enables its memory.  It reports on its debug port when it has finished.
Exits with 0 if `info pci` shows the device with an address in BAR 0.  The shell
runs COMMAND while the device is in use, and COMMAND must succeed, too.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from qmp import LIMIT, Failure, listen, start

# The last output of SeaBIOS if it finds nothing to boot.
DONE = re.compile(rb"No bootable device|Booting from")


def wait_for_firmware(server):
    """Read the debug port until SeaBIOS has finished."""
    sock = server.accept()[0]
    sock.settimeout(LIMIT)
    log = b""
    while not DONE.search(log):
        data = sock.recv(4096)
        if not data:
            break
        log += data
    print(log.decode(errors="replace"))
    if not DONE.search(log):
        raise Failure("the firmware did not finish")


def device_block(info, ids):
    """Return the part of `info pci` about one device."""
    for block in re.split(r"(?m)^  (?=Bus )", info):
        if f"PCI device {ids}" in block:
            return block
    raise Failure(f"no device {ids}")


def look(monitor, ids):
    info = monitor.command("human-monitor-command", **{"command-line": "info pci"})
    print(info.replace("\r", ""))
    bar = re.search(r"BAR0: \d+ bit .*memory at 0x([0-9a-f]+)",
                    device_block(info, ids))
    if not bar or int(bar[1], 16) in (0, 0xffffffff, 0xffffffffffffffff):
        raise Failure("BAR 0 has no address")


def run(args, directory):
    qmp_path = os.path.join(directory, "qmp")
    debug_path = os.path.join(directory, "debug")
    qmp, debug = listen(qmp_path), listen(debug_path)
    command = args.command + [
        "-display", "none", "-nodefaults", "-no-user-config",
        "-chardev", f"socket,id=qmp,path={qmp_path}", "-mon", "qmp,mode=control",
        "-chardev", f"socket,id=debug,path={debug_path}",
        "-device", "isa-debugcon,iobase=0x402,chardev=debug"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as qemu:
        try:
            monitor = start(qemu, qmp)
            wait_for_firmware(debug)
            look(monitor, args.ids)
            if args.run and subprocess.call(args.run, shell=True):
                raise Failure(f"'{args.run}' failed")
            monitor.command("quit")
            if qemu.wait(LIMIT):
                raise Failure(f"QEMU ended with {qemu.returncode}")
        finally:
            qemu.kill()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("ids")
    parser.add_argument("--run")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as directory:
            run(args, directory)
    except (Failure, OSError, subprocess.TimeoutExpired) as error:
        print(f"qemu_pci.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
