#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""QEMU's nvme and edu, served by QEMU's vfio-user server.

usage: models.py nvme DIRECTORY
       models.py edu DIRECTORY PROGRAM OUTLIVE
       models.py create DIRECTORY

Prints TAP.  The module must be loaded and vuserd must run.  nvme is driven by the NVMe
driver of Debian's qemu-io and qemu-img.  "create" lets vuserctl start QEMU.  PROGRAM is edu_test; its results are printed to
DIRECTORY/edu.tap.  OUTLIVE is outlive_test, with its results in DIRECTORY/outlive.tap.
"""

import json
import os
import subprocess
import sys
import time

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from server import PROGRAM, Server

# server.py has put the directory of tap.py into the path.
# pylint: disable=wrong-import-order
from tap import SOON, Failure, Tap, require, run, show_logs

MIB = 1 << 20
SIZE = 32 * MIB
# The part that qemu-img writes: less takes less time.
IMAGE = 4 * MIB


class Nvme:
    """A disk, and the file that it is in."""

    def __init__(self, work):
        self.disk = os.path.join(work, "disk.img")
        self.image = os.path.join(work, "image")
        self.work = work
        self.server = None

    def start(self):
        with open(self.disk, "wb") as file:
            file.truncate(SIZE)
        self.server = Server(self.work, "nvme", "nvme,drive=disk,serial=vuser", "-blockdev",
                             f"driver=file,filename={self.disk},node-name=disk,"
                             "discard=unmap")

    def node(self):
        return f"nvme://{self.server.bdf}/1"

    def io(self, *commands):
        """Execute commands of qemu-io, which reports failures only in its output."""
        argv = ["vuserctl", "exec", "--", "qemu-io", "-f", "raw"]
        for command in commands:
            argv += ["-c", command]
        text = run("timeout", str(SOON), *argv, self.node())
        require(not any(word in text.lower() for word in ("failed", "error", "different")),
                text)

    def write_image(self):
        with open(self.image, "wb") as file:
            file.write(os.urandom(IMAGE))
        run("timeout", str(SOON), "vuserctl", "exec", "--", "qemu-img", "convert", "-n",
            "-f", "raw", "-O", "raw", self.image, self.node())

    def compare_file(self):
        """Compare the disk's file with what was written."""
        with open(self.disk, "rb") as disk, open(self.image, "rb") as image:
            require(disk.read(IMAGE) == image.read(), "the image differs in the file")
            for at, size, byte in ((8 * MIB, MIB, 0xa5), (9 * MIB, 4096, 0x5a),
                                   (12 * MIB, MIB, 0)):
                disk.seek(at)
                require(disk.read(size) == bytes([byte]) * size,
                        f"the pattern at {at} differs in the file")

    def unmapped(self):
        require(self.server.show()["dma-regions"] == 0, str(self.server.show()))


def nvme_steps(tap, nvme):
    tap.step("QEMU's server starts", nvme.start)
    tap.step("the device is attached", lambda: nvme.server.create())
    tap.step("qemu-io reads the patterns that it wrote", nvme.io,
             "write -P 0xa5 8M 1M", "write -P 0x5a 9M 4k", "write -P 0x33 12M 1M",
             "flush", "read -P 0xa5 8M 1M", "read -P 0x5a 9M 4k", "read -P 0 16M 4k")
    tap.step("another qemu-io reads them and writes zeroes", nvme.io,
             "read -P 0xa5 8M 1M", "write -z 12M 1M", "read -P 0 12M 1M", "flush")
    tap.step("qemu-img writes an image", nvme.write_image)
    tap.step("no memory stays mapped", nvme.unmapped)
    tap.step("the device is removed", lambda: nvme.server.remove())
    tap.step("QEMU's server ends", lambda: nvme.server.stop())
    tap.step("the file has everything that was written", nvme.compare_file)


def run_nvme(tap, work):
    nvme = Nvme(work)
    try:
        nvme_steps(tap, nvme)
    finally:
        if nvme.server:
            nvme.server.clean_up()


class Made:
    """A disk of a QEMU that vuserctl starts and ends."""

    FILES = "/run/vuser-qemu"

    def __init__(self, work):
        self.disk = os.path.join(work, "made.img")
        self.uuid = self.bdf = None

    def create(self, program, *argv):
        """Run `vuserctl create` for a QEMU; the finished process."""
        return subprocess.run(["vuserctl", "-j", "create", "--wait", *argv],
                              env={**os.environ, "VUSER_QEMU_SERVER": program},
                              capture_output=True, text=True, check=False)

    def refused(self, text, program, *argv):
        """Check that no device is created, and that the reason is printed."""
        made = self.create(program, *argv)
        require(made.returncode and text in made.stderr, f"{made}")
        require(not os.listdir("/sys/bus/mdev/devices"), "there is a device")
        self.no_files()

    def no_files(self):
        left = os.listdir(self.FILES) if os.path.exists(self.FILES) else []
        require(not left, f"{left}")

    def start(self):
        with open(self.disk, "wb") as file:
            file.truncate(SIZE)
        made = self.create(PROGRAM, "--qemu", "nvme,drive=disk,serial=vuser",
                           "--qemu-arg=-blockdev", "--qemu-arg",
                           f"driver=file,filename={self.disk},node-name=disk")
        require(not made.returncode, made.stderr)
        device = json.loads(made.stdout)
        self.uuid, self.bdf = device["uuid"], device["pci-address"]

    def write(self):
        text = run("timeout", str(SOON), "vuserctl", "exec", "--", "qemu-io", "-f", "raw",
                   "-c", "write -P 0xa5 1M 64k", "-c", "flush", f"nvme://{self.bdf}/1")
        require("wrote 65536/65536" in text, text)

    def remove(self):
        with open(f"{self.FILES}/{self.uuid}.pid", encoding="ascii") as file:
            pid = file.read().strip()
        run("vuserctl", "remove", self.uuid)
        self.uuid = None
        # A process that has ended and that no process has waited for has no executable.
        require(not os.path.exists(f"/proc/{pid}/exe"), "QEMU did not end")
        self.no_files()

    def compare(self):
        with open(self.disk, "rb") as disk:
            disk.seek(MIB)
            require(disk.read(65536) == bytes([0xa5]) * 65536, "the pattern is not there")


def made_steps(tap, made):
    tap.step("create --qemu reports a QEMU without a server", made.refused,
             "has no vfio-user server", "/usr/bin/qemu-system-x86_64", "--qemu", "edu")
    tap.step("create --qemu reports a QEMU that does not exist", made.refused,
             "cannot run /no/such/qemu", "/no/such/qemu", "--qemu", "edu")
    tap.step("create --qemu reports what QEMU refuses", made.refused,
             "'nonsense' is not a valid device model name", PROGRAM, "--qemu", "nonsense")
    tap.step("create --qemu starts a QEMU for the device", made.start)
    tap.step("qemu-io writes to it", made.write)
    tap.step("remove ends QEMU and removes its files", made.remove)
    tap.step("the file has what was written", made.compare)


def run_create(tap, work):
    made = Made(work)
    try:
        made_steps(tap, made)
    finally:
        if made.uuid:
            subprocess.run(["vuserctl", "remove", made.uuid], check=False)


def edu_test(server, work, program):
    """Run the test program, whose results the suite prints."""
    with open(os.path.join(work, "edu.tap"), "wb") as out:
        subprocess.run([program], stdout=out, stderr=out, check=False,
                       env={**os.environ, "VUSER_UUID": server.uuid})


def outlive(server, work, program):
    """Start QEMU again while a test program has the device open. The suite prints the
    results of the program."""
    ready = os.path.join(work, "edu.ready")
    run("vuserctl", "set", server.uuid, "--on-loss", "wait")
    with open(os.path.join(work, "outlive.tap"), "wb") as out:
        with subprocess.Popen([program], stdout=out, stderr=out,
                              env={**os.environ, "VUSER_UUID": server.uuid,
                                   "VUSER_READY": ready,
                                   "VUSER_REGISTER": "0 0 4"}) as consumer:
            while not os.path.exists(ready) and consumer.poll() is None:
                time.sleep(0.1)
            server.restart()


def run_edu(tap, work, program, outlive_program):
    server = Server(work, "edu", "edu")
    try:
        tap.step("the device is attached", server.create)
        tap.step("the test program runs", edu_test, server, work, program)
        tap.step("QEMU is started again while the device is open", outlive, server, work,
                 outlive_program)
        tap.step("the device is removed", server.remove)
        tap.step("QEMU's server ends", server.stop)
    finally:
        server.clean_up()


def main(model, work, *more):
    tap = Tap()
    try:
        {"nvme": run_nvme, "edu": run_edu, "create": run_create}[model](tap, work, *more)
    except Failure:
        show_logs(work)
    print(f"1..{tap.count}")


if __name__ == "__main__":
    if sys.argv[1:2] not in (["nvme"], ["edu"], ["create"]) or len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
