#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""dpdk-testpmd (net_virtio) <-> vuser <-> vuser-vhost <-> dpdk-testpmd (net_vhost).

usage: net.py DIRECTORY [client]
  client  the back end connects to vuser-vhost

Prints TAP.  The module must be loaded and vuserd must run.  Both sides read packets
from a file and write packets to a file; each must arrive unchanged.
"""

import errno
import json
import os
import re
import subprocess
import sys

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from bridge import TOP, Bridge
from tap import SOON, Failure, Tap, require, run, show_logs
from testpmd import Testpmd, packets, read_pcap, write_pcap

MAC = "52:54:00:12:34:56"
# Fewer than a ring holds: testpmd drops what it cannot send at once.
COUNT = 400
RING = 1024
QUEUES = 4


class Net:
    """The processes of the test. The back end has @queues pairs of queues; the
    device uses @pairs of them."""

    def __init__(self, work, queues):
        self.work = work
        self.queues = queues
        self.pairs = 1
        self.runs = 0
        self.back = self.front = self.bridge = self.device = self.bdf = None
        # The programs open these files when they start.
        for side in ("front", "back"):
            for queue in range(queues):
                write_pcap(self.path(f"{side}-in{queue}.pcap"), [])

    def path(self, name):
        return os.path.join(self.work, name)

    def pcap(self, name):
        return [self.path(f"{name}{queue}.pcap") for queue in range(self.pairs)]

    def testpmd(self, name, argv, vdevs, pairs):
        files = [f"{key}_pcap={self.path(f'{name}-{way}{queue}.pcap')}"
                 for key, way in (("rx", "in"), ("tx", "out"))
                 for queue in range(pairs)]
        argv = argv + [
            "--no-telemetry", "--file-prefix", f"{name}{os.getpid()}", *vdevs,
            "--vdev", "net_pcap0," + ",".join(files), "--", "-i",
            "--no-flush-rx", "--total-num-mbufs=12000", f"--rxd={RING}",
            f"--txd={RING}", f"--rxq={pairs}", f"--txq={pairs}"]
        return self.launch(name, argv)

    def launch(self, name, argv):
        self.runs += 1
        return Testpmd(name, argv, self.path(f"{name}{self.runs}.log"))

    def start_back(self, options=""):
        self.back = self.testpmd(
            "back", ["dpdk-testpmd", "--lcores", "0@1,1@0", "--no-pci",
                     "--no-huge", "-m", "128"],
            ["--vdev", f"net_vhost0,iface={self.path('back.sock')},"
                       f"queues={self.queues}{options}"], self.queues)

    def start_bridge(self, pairs, *options):
        self.pairs = pairs
        self.bridge = Bridge(
            self.work, "--device", "net", "--back-end", self.path("back.sock"),
            "--socket", self.path("bridge.sock"), "--mac", MAC,
            "--queues", str(pairs), "--queue-size", str(RING), *options)

    def create(self):
        self.device = run("vuserctl", "create", "--wait", "--endpoint",
                          self.path("bridge.sock")).strip()

    def attached(self):
        run(os.path.join(TOP, "selftests/consumers/mdev_wait.py"),
            self.device, "state", "attached", str(SOON))

    def show(self):
        return json.loads(run("vuserctl", "-j", "show", self.device))

    def start_front(self, layout):
        """Start the driver's program, and check the kind of rings in DPDK's log."""
        with open(f"/sys/bus/mdev/devices/{self.device}/vuser/pci_address",
                  encoding="ascii") as file:
            self.bdf = file.read().strip()
        self.front = self.testpmd(
            "front", ["vuserctl", "exec", "--", "dpdk-testpmd", "--lcores",
                      "0@0,1@1", "-m", "128",
                      "--log-level=pmd.net.virtio.init:info"],
            ["-a", self.bdf], self.pairs)
        paths = re.findall(r"virtio: using (.*) path on port 0", self.front.began)
        require(paths and all(("packed" in path) == (layout == "packed")
                              for path in paths),
                f"not {layout} rings: {paths or self.front.began}")

    def write_packets(self):
        for side, seed in (("front", 1), ("back", 101)):
            for queue in range(self.queues):
                write_pcap(self.path(f"{side}-in{queue}.pcap"),
                           packets(seed + queue, COUNT)
                           if queue < self.pairs else [])

    def exchange(self):
        """Send all packets both ways. Port 0 has the rings; port 1 reads and writes the
        files."""
        want = COUNT * self.pairs
        self.write_packets()
        for side in (self.back, self.front):
            # Read the files from the start.
            for line in ("stop", "port stop 1", "port start 1",
                         "clear port stats all", "start"):
                side.command(line)
        for side in (self.back, self.front):
            side.wait(f"the last of {want} packets in the file",
                      lambda: side.stats(1)[1] >= want)
        for side in (self.front, self.back):
            received, sent, failed = side.stats(0)
            if (received, sent, failed) != (want, want, 0):
                raise Failure(f"{side.name}: {received} packets received, "
                              f"{sent} sent, {failed} not sent, not {want} "
                              "each")
            # Stopping the port completes its output files.
            side.command("stop")
            side.command("port stop 1")
        self.compare()

    def stop(self, side):
        """End a program, which completes its output files."""
        status = side.quit()
        if status:
            raise Failure(f"{side.name} ended with status {status}")

    def compare(self):
        for source, sink in (("front", "back"), ("back", "front")):
            for path in zip(self.pcap(f"{source}-in"),
                            self.pcap(f"{sink}-out")):
                sent, received = read_pcap(path[0]), read_pcap(path[1])
                if len(sent) != COUNT or sent != received:
                    raise Failure(f"{path[1]}: {len(received)} frames, not the "
                                  f"{len(sent)} of {path[0]}")

    def remove(self):
        run("vuserctl", "remove", self.device)
        self.device = None

    def clean_up(self):
        for side in (self.front, self.back):
            if side:
                side.kill()
        if self.device:
            subprocess.run(["vuserctl", "remove", self.device], check=False)
        if self.bridge:
            self.bridge.kill()


def control(net):
    """Use the control queue. DPDK's driver prints an error if a command fails."""
    for line in ("set promisc 0 off", "set promisc 0 on", "set allmulti 0 on",
                 "mac_addr set 0 52:54:00:65:43:21",
                 f"mac_addr set 0 {MAC}"):
        text = net.front.command(line).replace(line, "")
        require(not text.strip(), f"{line}: {text}")


def information(net, *wanted):
    text = net.front.command("show port info 0")
    for line in wanted:
        require(line in text, f"no {line} in: {text}")


def mtu(net):
    """Check that the driver obeys the MTU, and that the back end learns it."""
    refused = net.front.command("port config mtu 0 1401")
    require("device max MTU (1400)" in refused, refused)
    net.front.command("port config mtu 0 1400")
    information(net, "MTU: 1400")
    with open(net.back.log, "rb") as file:
        require(b"VHOST_USER_NET_SET_MTU" in file.read(),
                "the back end did not get the MTU")


def link_of_back(net, up):
    """Wait for the back end's link, which follows the driver."""
    net.back.wait(f"link {'up' if up else 'down'}",
                  lambda: net.back.link_up(0) == up)


def end_front(net):
    net.stop(net.front)
    link_of_back(net, False)


def kill_front(net):
    """Kill the driver while rings are in use and packets are in flight."""
    for line in ("port start 1", "start"):
        net.front.command(line)
    net.front.kill()
    link_of_back(net, False)


def lose_back(net):
    net.back.kill()
    net.front.wait("link down", lambda: not net.front.link_up(0))


def new_back(net):
    os.unlink(net.path("back.sock"))
    net.start_back()
    net.front.wait("link up", lambda: net.front.link_up(0))


def no_reset(net):
    """Check that DPDK cannot reset the port. If it could, reopen() should use the
    reset."""
    net.front.command("port stop 0")
    text = net.front.command("port reset 0")
    require(f"Failed to reset port 0. diag=-{errno.EOPNOTSUPP}" in text, text)


def reopen(net):
    for line in ("port stop all", "port close 0", f"device detach {net.bdf}",
                 f"port attach {net.bdf}", "port start all"):
        net.front.command(line)


def new_bridge(net, *options):
    """Replace vuser-vhost: the device is attached to the new process."""
    net.bridge.stop()
    net.start_bridge(*options)
    net.attached()


def lose_bridge(net):
    """Kill vuser-vhost and end the consumer, which must close the device. DPDK keeps a
    device whose configuration space cannot be read; it closes the device only when
    it exits."""
    net.bridge.kill()
    net.stop(net.front)
    net.start_bridge(net.pairs)
    net.attached()


def unmapped(net):
    require(net.show()["dma-regions"] == 0, str(net.show()))


# An option of net_vhost.
CLIENT = ",client=1"

ARRIVE = f"{COUNT} packets of each queue arrive unchanged, both ways"


def rings(tap, net, pairs, layout):
    what = f"{pairs} pair{'s' * (pairs > 1)} of {layout} rings:"
    tap.step(f"{what} net_virtio uses the device", net.start_front, layout)
    tap.step(f"{what} the link of the back end is up", link_of_back, net, True)
    tap.step(f"{what} {ARRIVE}", net.exchange)


def all_layouts(tap, net):
    """Use all kinds of rings, and restart one side between two kinds."""
    tap.step("the back end starts", net.start_back)
    tap.step("vuser-vhost connects to the back end", net.start_bridge, 1,
             "--no-packed")
    tap.step("the device is attached", net.create)
    rings(tap, net, 1, "split")
    tap.step("the link goes down when the driver's program ends", end_front, net)
    tap.step("the driver's program starts again", net.start_front, "split")
    tap.step(f"after the restart: {ARRIVE}", net.exchange)
    tap.step("split rings: the link goes down when the back end is killed", lose_back, net)
    tap.step("split rings: the link comes up with a new back end", new_back, net)
    tap.step(f"split rings, without a reset: {ARRIVE}", net.exchange)
    tap.step("the driver's program can be killed while it works", kill_front, net)
    tap.step("no memory stays mapped after the kill", unmapped, net)
    for pairs, layout, options in ((1, "packed", ()),
                                   (QUEUES, "split", ("--no-packed",)),
                                   (QUEUES, "packed", ("--mtu", "1400"))):
        tap.step("another vuser-vhost takes over", new_bridge, net, pairs,
                 *options)
        rings(tap, net, pairs, layout)
        if layout == "split" or pairs == 1:
            tap.step("the driver's program ends", end_front, net)


def scenario(tap, net):
    all_layouts(tap, net)
    tap.step("MAC and MTU are those of the options", information, net, MAC,
             "MTU: 1400")
    tap.step("driver and back end use the MTU", mtu, net)
    tap.step("MAC and receive modes can be set", control, net)

    tap.step("the link goes down when the back end is killed", lose_back, net)
    tap.step("the link comes up with a new back end", new_back, net)
    tap.step("net_virtio has no port reset", no_reset, net)
    tap.step("the port can be opened again", reopen, net)
    tap.step(f"after the reopen: {ARRIVE}", net.exchange)
    tap.step("a killed vuser-vhost is replaced after the driver's end",
             lose_bridge, net)
    rings(tap, net, QUEUES, "packed")

    tap.step("the driver's program ends", end_front, net)
    tap.step("no memory stays mapped at the end", unmapped, net)
    tap.step("the device is removed", net.remove)
    tap.step("vuser-vhost ends", lambda: net.bridge.stop())
    tap.step("the program of the back end ends", net.stop, net.back)


def new_client(net):
    net.start_back(CLIENT)
    net.front.wait("link up", lambda: net.front.link_up(0))


def client_scenario(tap, net):
    """The back end connects to vuser-vhost, and tries again until vuser-vhost listens."""
    tap.step("the back end starts", net.start_back, CLIENT)
    tap.step("vuser-vhost accepts the back end", net.start_bridge, 1,
             "--listen")
    tap.step("the device is attached", net.create)
    tap.step("net_virtio uses the device", net.start_front, "packed")
    tap.step("the link of the back end is up", link_of_back, net, True)
    tap.step(ARRIVE, net.exchange)
    tap.step("the link goes down when the back end is killed", lose_back,
             net)
    tap.step("the link comes up with a new back end", new_client, net)
    tap.step("the driver's program ends", net.stop, net.front)
    tap.step("the device is removed", net.remove)
    tap.step("vuser-vhost ends", lambda: net.bridge.stop())
    tap.step("the program of the back end ends", net.stop, net.back)


def main(work, steps=scenario):
    tap = Tap()
    net = Net(work, QUEUES)
    try:
        steps(tap, net)
    except Failure:
        show_logs(work)
    finally:
        net.clean_up()
    print(f"1..{tap.count}")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    elif sys.argv[2:] == ["client"]:
        main(sys.argv[1], client_scenario)
    else:
        sys.exit(__doc__)
