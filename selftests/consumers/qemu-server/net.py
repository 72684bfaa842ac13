#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""dpdk-testpmd and l3fwd-power drive network cards of QEMU's vfio-user server.

usage: net.py DIRECTORY

Prints TAP.  The module must be loaded and vuserd must run.
"""

import sys

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from card import COUNT, MAC, Card
from tap import Failure, Tap, show_logs

# Model, name of DPDK's driver, and options of DPDK for its interrupts. The driver of e1000
# and e1000e does not set up the causes of MSI-X, and the server offers no MSI with it.
CARDS = (("e1000", "net_e1000_em", ("--vfio-intr=legacy",)),
         ("e1000e", "net_e1000_em", ("--vfio-intr=legacy",)),
         ("igb", "net_e1000_igb", ()))
ARRIVE = f"{COUNT} packets arrive unchanged, both ways"


def drive(step, card, driver, options):
    """Use the card with testpmd."""
    step("QEMU's server starts", card.start_server)
    step("the device is attached", card.create)
    step("dpdk-testpmd starts", card.start_testpmd, *options)
    step("its driver reads the address of the card", card.information,
         f"Driver name: {driver}", f"MAC address: {MAC.upper()}")
    step("the link is up", card.link, True)
    step(ARRIVE, card.exchange)
    step("an interrupt reports that the link is down", card.link, False)
    step("an interrupt reports that the link is up", card.link, True)
    step(f"after that, {ARRIVE}", card.exchange)
    step("QEMU is started again, and dpdk-testpmd runs on", card.restart_server)
    step("dpdk-testpmd resets its port", card.reset_port)
    step("the link of the new card is up", card.link, True)
    step(f"with the new card, {ARRIVE}", card.exchange)
    step("dpdk-testpmd ends", card.end_testpmd)


def receive_interrupts(step, card, options):
    step("l3fwd-power starts", card.start_l3fwd, *options)
    step("interrupts wake l3fwd-power, which forwards each packet", card.wake)
    step("l3fwd-power is killed", lambda: card.program.kill())


def scenario(tap, card, driver, options):
    def step(name, action, *args):
        tap.step(f"{card.model}: {name}", action, *args)

    drive(step, card, driver, options)
    receive_interrupts(step, card, options)
    step("no memory stays mapped", card.unmapped)
    step("the device is removed", card.server.remove)
    step("QEMU's server ends", card.server.stop)


def main(work):
    tap = Tap()
    for model, driver, options in CARDS:
        card = Card(work, model)
        try:
            scenario(tap, card, driver, options)
        except Failure:
            show_logs(work)
        finally:
            card.clean_up()
    print(f"1..{tap.count}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
