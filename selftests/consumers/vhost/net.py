#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""dpdk-testpmd (net_virtio) <-> vuser <-> vuser-vhost <-> dpdk-testpmd (net_vhost).

usage: net.py DIRECTORY

Prints TAP.  The module and vuserd are there.  On both sides packets come from a
file and go to a file; what arrives must be what was sent, to the byte.
"""

import json
import os
import select
import signal
import subprocess
import sys

# The tree is for sources, not for what Python makes of them.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from testpmd import SOON, Failure, Testpmd, packets, read_pcap, write_pcap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
SERVICE = os.path.join(TOP, "lab/vm/service")
MAC = "52:54:00:12:34:56"
# Fewer than a ring holds: testpmd drops what it cannot send at once.
COUNT = 400
RING = 1024
QUEUES = 4


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


class Net:
    """The processes.  The back-end has QUEUES pairs, the device @pairs of them."""

    def __init__(self, work):
        self.work = work
        self.pairs = 1
        self.runs = 0
        self.back = self.front = self.device = self.bdf = self.pid = None
        # The programs open them when they start.
        for side in ("front", "back"):
            for queue in range(QUEUES):
                write_pcap(self.path(f"{side}-in{queue}.pcap"), [])

    def path(self, name):
        return os.path.join(self.work, name)

    def pcap(self, name):
        return [self.path(f"{name}{queue}.pcap") for queue in range(self.pairs)]

    def testpmd(self, name, argv, vdevs, pairs):
        self.runs += 1
        files = [f"{key}_pcap={self.path(f'{name}-{way}{queue}.pcap')}"
                 for key, way in (("rx", "in"), ("tx", "out"))
                 for queue in range(pairs)]
        argv = argv + [
            "--no-telemetry", "--file-prefix", f"{name}{os.getpid()}", *vdevs,
            "--vdev", "net_pcap0," + ",".join(files), "--", "-i",
            "--no-flush-rx", "--total-num-mbufs=12000", f"--rxd={RING}",
            f"--txd={RING}", f"--rxq={pairs}", f"--txq={pairs}"]
        return Testpmd(name, argv, self.path(f"{name}{self.runs}.log"))

    def start_back(self):
        self.back = self.testpmd(
            "back", ["dpdk-testpmd", "--lcores", "0@1,1@0", "--no-pci",
                     "--no-huge", "-m", "128"],
            ["--vdev", f"net_vhost0,iface={self.path('back.sock')},"
                       f"queues={QUEUES}"], QUEUES)

    def start_bridge(self, pairs, *options):
        self.pairs = pairs
        run(SERVICE, self.path("bridge.pid"), self.path("bridge.log"),
            "vuser-vhost", "--verbose", "--device", "net",
            "--back-end", self.path("back.sock"),
            "--socket", self.path("bridge.sock"), "--mac", MAC,
            "--queues", str(pairs), "--queue-size", str(RING), *options)
        with open(self.path("bridge.pid"), encoding="ascii") as file:
            self.pid = int(file.read())

    def create(self):
        self.device = run("vuserctl", "create", "--wait", "--endpoint",
                          self.path("bridge.sock")).strip()

    def attached(self):
        run(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         "../mdev_wait.py"),
            self.device, "state", "attached", str(SOON))

    def show(self):
        return json.loads(run("vuserctl", "-j", "show", self.device))

    def start_front(self):
        with open(f"/sys/bus/mdev/devices/{self.device}/vuser/pci_address",
                  encoding="ascii") as file:
            self.bdf = file.read().strip()
        self.front = self.testpmd(
            "front", ["vuserctl", "exec", "--", "dpdk-testpmd", "--lcores",
                      "0@0,1@1", "-m", "128"], ["-a", self.bdf], self.pairs)

    def write_packets(self):
        for side, seed in (("front", 1), ("back", 101)):
            for queue in range(QUEUES):
                write_pcap(self.path(f"{side}-in{queue}.pcap"),
                           packets(seed + queue, COUNT)
                           if queue < self.pairs else [])

    def exchange(self):
        """Let all packets go both ways; port 0 is the rings, 1 the files."""
        want = COUNT * self.pairs
        self.write_packets()
        for side in (self.back, self.front):
            # The files are read from their start.
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
                              f"{sent} sent, {failed} not sent: {want} each "
                              "are right")
            # Then the files that are written are complete.
            side.command("stop")
            side.command("port stop 1")
        self.compare()

    def stop(self, side):
        """End a program; its files are complete then."""
        status = side.quit()
        if status:
            raise Failure(f"{side.name} ended with status {status}")

    def stop_bridge(self):
        """Before the back-end: DPDK's has a thread that may read what is freed
        when it ends with a front-end connected."""
        pidfd = os.pidfd_open(self.pid)
        os.kill(self.pid, signal.SIGTERM)
        self.pid = None
        if not select.select([pidfd], [], [], SOON)[0]:
            raise Failure("vuser-vhost does not end")
        os.close(pidfd)

    def compare(self):
        for source, sink in (("front", "back"), ("back", "front")):
            for path in zip(self.pcap(f"{source}-in"),
                            self.pcap(f"{sink}-out")):
                sent, came = read_pcap(path[0]), read_pcap(path[1])
                if len(sent) != COUNT or sent != came:
                    raise Failure(f"{path[1]}: {len(came)} frames, not the "
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
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)


class Tap:
    """Steps of a scenario; after one that failed the rest makes no sense."""

    def __init__(self):
        self.count = 0

    def step(self, name, action, *args):
        self.count += 1
        try:
            action(*args)
        except Failure as failure:
            print(f"not ok {self.count} - {name}")
            for line in str(failure).replace("\r", "").splitlines():
                print(f"# {line}")
            raise
        print(f"ok {self.count} - {name}", flush=True)


def require(condition, text):
    if not condition:
        raise Failure(text)


def control(net):
    """What DPDK's driver does by the control queue it complains of itself."""
    for line in ("set promisc 0 off", "set promisc 0 on", "set allmulti 0 on",
                 "mac_addr set 0 52:54:00:65:43:21",
                 f"mac_addr set 0 {MAC}"):
        text = net.front.command(line).replace(line, "")
        require(not text.strip(), f"{line}: {text}")


def information(net, *wanted):
    text = net.front.command("show port info 0")
    for line in wanted:
        require(line in text, f"no {line} in: {text}")


def lose_back(net):
    net.back.kill()
    net.front.wait("link down", lambda: not net.front.link_up(0))


def new_back(net):
    os.unlink(net.path("back.sock"))
    net.start_back()
    net.front.wait("link up", lambda: net.front.link_up(0))


def reopen(net):
    """What DPDK's driver can do for a device that asks for a reset: port reset
    is not one of its operations."""
    for line in ("port stop all", "port close 0", f"device detach {net.bdf}",
                 f"port attach {net.bdf}", "port start all"):
        net.front.command(line)


def unmapped(net):
    require(net.show()["dma-regions"] == 0, str(net.show()))


def scenario(tap, net):
    arrive = f"{COUNT} packets of each queue arrive, both ways, as they were sent"
    tap.step("the back-end starts", net.start_back)
    tap.step("vuser-vhost connects to it", net.start_bridge, 1, "--no-packed")
    tap.step("the device attaches", net.create)

    tap.step("split ring: net_virtio takes it", net.start_front)
    tap.step(f"split ring: {arrive}", net.exchange)
    tap.step("split ring: the driver's program ends", net.stop, net.front)
    tap.step("split ring: nothing stays mapped", unmapped, net)

    tap.step("vuser-vhost ends", net.stop_bridge)
    tap.step("another one has 4 pairs of packed rings", net.start_bridge,
             QUEUES, "--mtu", "1400")
    tap.step("the device attaches to it", net.attached)
    tap.step("packed rings: net_virtio takes it", net.start_front)
    tap.step("packed rings: MAC and MTU are the ones of the options",
             information, net, MAC, "1400")
    tap.step("packed rings: MAC and receive modes can be set", control, net)
    tap.step(f"packed rings: {arrive}", net.exchange)
    tap.step("the link is down when the back-end was killed", lose_back, net)
    tap.step("and up when there is a new one", new_back, net)
    tap.step("the port is opened again", reopen, net)
    tap.step(f"after it: {arrive}", net.exchange)

    tap.step("the driver's program ends", net.stop, net.front)
    tap.step("nothing stays mapped", unmapped, net)
    tap.step("the device is removed", net.remove)
    tap.step("vuser-vhost ends again", net.stop_bridge)
    tap.step("the back-end's program ends", net.stop, net.back)


def show_logs(work):
    for log in sorted(os.listdir(work)):
        if not log.endswith(".log"):
            continue
        with open(os.path.join(work, log), errors="replace",
                  encoding="utf-8") as file:
            text = file.read().replace("\r", "\n")
        for line in text.split("\n")[-25:]:
            print(f"# {log}: {line}")


def main(work):
    tap = Tap()
    net = Net(work)
    try:
        scenario(tap, net)
    except Failure:
        show_logs(work)
    finally:
        net.clean_up()
    print(f"1..{tap.count}")


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
