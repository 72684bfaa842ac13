#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The second part of `make demo`: two dpdk-testpmd send each other packets.

usage: demo.py DIRECTORY

One is the driver (net_virtio, on a vuser device), the other is the device
(net_vhost, as the back end of a vuser-vhost that vuserctl starts).  The module must
be loaded and vuserd must run.  Commands are printed as a user would type them.  The
passed checks are listed in the file DIRECTORY/summary; exits with 0 if all passed.
"""
import shlex
import sys
import textwrap
import time

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from net import COUNT, MAC, RING, Net
from tap import Failure, require, run

# Enough to measure; takes a few seconds on an emulated machine.
MANY = 200000


def show(argv):
    lines = textwrap.wrap(shlex.join(argv), 76, initial_indent="  # ",
                          subsequent_indent="      ", break_long_words=False,
                          break_on_hyphens=False)
    print(" \\\n".join(lines), flush=True)


class Demo(Net):
    """A Net that prints its commands and uses vuserctl to start the whole chain."""

    def launch(self, name, argv):
        show(argv)
        return super().launch(name, argv)

    def create(self):
        argv = ["vuserctl", "create", "--wait", "--vhost",
                f"net:{self.path('back.sock')},mac={MAC},queue-size={RING}"]
        show(argv)
        self.device = run(*argv).strip()
        print("  " + self.device)


def rate(net):
    """Send packets of 64 bytes as fast as the driver's program can; each must arrive.
    Return their number and the rate per second."""
    for side, mode in ((net.back, "rxonly"), (net.front, "txonly")):
        for line in ("port start 1", "set portlist 0", f"set fwd {mode}", "clear port stats 0",
                     "start"):
            side.command(line)
    begin = time.monotonic()
    net.back.wait(f"packet {MANY}", lambda: net.back.stats(0)[0] >= MANY)
    net.front.command("stop")
    seconds = time.monotonic() - begin
    sent = net.front.stats(0)[1]
    net.back.wait(f"packet {sent}", lambda: net.back.stats(0)[0] >= sent)
    require(net.back.stats(0)[0] == sent, "more packets arrived than were sent")
    net.back.command("stop")
    return sent, sent / seconds


def play(net, summary):
    net.start_back()
    net.create()
    net.start_front("packed")
    net.exchange()
    print(f"  {COUNT} packets each way")
    summary.write(f"two dpdk-testpmd: {COUNT} packets each way, the same to the "
                  "byte\n")
    sent, per_second = rate(net)
    print(f"  {sent} packets in a row")
    summary.write(f"two dpdk-testpmd: {sent} packets in a row, none lost, "
                  f"{per_second:.0f} a second\n")
    net.stop(net.front)
    print("  # vuserctl remove " + net.device)
    net.remove()
    net.stop(net.back)


def main(work):
    net = Demo(work, 1)
    try:
        with open(net.path("summary"), "w", encoding="ascii") as summary:
            play(net, summary)
    except Failure as failure:
        print(f"  {failure}")
        return 1
    finally:
        net.clean_up()
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
