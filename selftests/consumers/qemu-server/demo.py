#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The part of `make demo-qemu` that runs in the virtual machine.

Debian's dpdk-testpmd drives a network card of QEMU, which is a process that runs no guest.
Commands are printed as a user would type them.  Ends with a summary; exits with 0 if all
passed.
"""

import os
import platform
import shlex
import subprocess
import sys
import tempfile
import textwrap

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from card import COUNT, MAC, Card
from server import TOP

# server.py has put the directory of tap.py into the path.
# pylint: disable=wrong-import-order
from tap import Failure, run, show_logs

LAB = os.path.join(TOP, "lab/vm")
LINE = "-" * 76


def say(text):
    print(text, flush=True)


def show(argv):
    lines = textwrap.wrap(shlex.join(argv), 74, initial_indent="  # ",
                          subsequent_indent="      ", break_long_words=False,
                          break_on_hyphens=False)
    say(" \\\n".join(lines))


def call(*argv):
    """Show a command, run it and show its output."""
    show(argv)
    for line in run(*argv).splitlines():
        say(f"  {line}")


class DemoCard(Card):
    """A Card that shows its commands."""

    def start_server(self):
        super().start_server()
        show(self.server.argv)

    def create(self):
        show(["vuserctl", "create", "--wait", "--endpoint", self.server.socket])
        super().create()
        call("vuserctl", "list")

    def launch(self, kind, argv):
        show(["vuserctl", "exec", "--", *argv])
        super().launch(kind, argv)

    def link(self, up):
        say(f"  the link of the card in QEMU: {'up' if up else 'down'}")
        super().link(up)


def set_up(work):
    say(f"\nLoading vuser into Linux {platform.release()}, and starting the helper")
    run("modprobe", "vfio-pci")
    call(os.path.join(LAB, "insmod"))
    show(["vuserd"])
    run(os.path.join(LAB, "service"), os.path.join(work, "vuserd.pid"),
        os.path.join(work, "vuserd.log"), "vuserd", "--foreground")


def play(card, passed):
    say(f"\nQEMU serves its {card.model}, a network card")
    card.start_server()
    say("\nCreating a device for it")
    card.create()
    say("\nDebian's dpdk-testpmd drives the card")
    card.start_testpmd()
    card.information("Driver name: net_e1000_igb", f"MAC address: {MAC.upper()}")
    passed.append(f"{card.server.bdf} is a card with the address {MAC} for dpdk-testpmd")
    card.link(True)
    card.exchange()
    passed.append(f"{COUNT} packets each way, the same to the byte")
    card.link(False)
    card.link(True)
    passed.append("interrupts of the card report its link")
    card.end_testpmd()
    say("\nThe kernel's counters")
    call("vuserctl", "stats", card.server.uuid)
    say("\nRemoving everything")
    show(["vuserctl", "remove", card.server.uuid])
    card.server.remove()
    card.server.stop()
    passed.append("the device is removed and its server ends")


def unload(work):
    """End the helper and unload the module."""
    with open(os.path.join(work, "vuserd.pid"), encoding="ascii") as file:
        pid = file.read().strip()
    run("kill", pid)
    subprocess.run(["pidwait", "-F", os.path.join(work, "vuserd.pid")], check=False)
    call("rmmod", "vuser")


def summary(card, passed, failure):
    version = run("dpkg-query", "-W", "-f", "${Version}", "dpdk-dev")
    server = run(card.server.argv[0], "--version").splitlines()[0] if card.server else ""
    say(f"\n{LINE}\n Linux {platform.release()}, DPDK {version}, both as Debian ships them.")
    say(f" The card was QEMU's model {card.model}, served by one process:\n {server}\n")
    for line in passed:
        say(f" passed: {line}")
    if failure:
        say(f" FAILED: {failure}")
    say(LINE)


def main():
    passed, failure = [], None
    os.environ["PATH"] = f"{os.environ['BUILD']}/user/bin:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(dir="/run") as work:
        card = DemoCard(work, "igb")
        try:
            set_up(work)
            play(card, passed)
            unload(work)
            passed.append("the module is unloaded")
        except Failure as error:
            failure = error
            show_logs(work)
        finally:
            card.clean_up()
        summary(card, passed, failure)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
