#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""dpdk-testpmd (net_virtio) <-> vuser <-> vuser-vhost <-> dpdk-testpmd (net_vhost).

usage: net.py DIRECTORY SCENARIO

Prints TAP.  The module and vuserd are there.  On both sides packets come from a
file and go to a file; what arrives must be what was sent, to the byte.
"""

import json
import os
import select
import signal
import subprocess
import sys

from testpmd import SOON, Failure, Testpmd, packets, read_pcap, write_pcap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
SERVICE = os.path.join(TOP, "lab/vm/service")
MAC = "52:54:00:12:34:56"
# Fewer than a ring holds: testpmd drops what it cannot send at once.
COUNT = 400
RING = 1024


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


class Net:
    """The four processes, for so many pairs of queues."""

    def __init__(self, work, pairs, *options):
        self.work = work
        self.pairs = pairs
        self.options = options
        self.runs = 0
        self.back = self.front = self.device = self.pid = None

    def path(self, name):
        return os.path.join(self.work, name)

    def pcap(self, name):
        return [self.path(f"{name}{queue}.pcap") for queue in range(self.pairs)]

    def testpmd(self, name, argv, vdevs):
        self.runs += 1
        files = ",".join([f"rx_pcap={path}" for path in self.pcap(f"{name}-in")]
                         + [f"tx_pcap={path}"
                            for path in self.pcap(f"{name}-out")])
        argv = argv + [
            "--no-telemetry", "--file-prefix", f"{name}{os.getpid()}", *vdevs,
            "--vdev", f"net_pcap0,{files}", "--", "-i", "--no-flush-rx",
            "--total-num-mbufs=12000", f"--rxd={RING}", f"--txd={RING}",
            f"--rxq={self.pairs}", f"--txq={self.pairs}"]
        return Testpmd(name, argv, self.path(f"{name}{self.runs}.log"))

    def start_back(self):
        self.back = self.testpmd(
            "back", ["dpdk-testpmd", "--lcores", "0@1,1@0", "--no-pci",
                     "--no-huge", "-m", "128"],
            ["--vdev", f"net_vhost0,iface={self.path('back.sock')},"
                       f"queues={self.pairs}"])

    def start_bridge(self):
        run(SERVICE, self.path("bridge.pid"), self.path("bridge.log"),
            "vuser-vhost", "--verbose", "--device", "net",
            "--back-end", self.path("back.sock"),
            "--socket", self.path("bridge.sock"), "--mac", MAC,
            "--queues", str(self.pairs), "--queue-size", str(RING),
            *self.options)
        with open(self.path("bridge.pid"), encoding="ascii") as file:
            self.pid = int(file.read())

    def create(self):
        self.device = run("vuserctl", "create", "--wait", "--endpoint",
                          self.path("bridge.sock")).strip()

    def show(self):
        return json.loads(run("vuserctl", "-j", "show", self.device))

    def start_front(self):
        with open(f"/sys/bus/mdev/devices/{self.device}/vuser/pci_address",
                  encoding="ascii") as file:
            self.bdf = file.read().strip()
        self.front = self.testpmd(
            "front", ["vuserctl", "exec", "--", "dpdk-testpmd", "--lcores",
                      "0@0,1@1", "-m", "128"], ["-a", self.bdf])

    def write_packets(self):
        for side, seed in (("front", 1), ("back", 101)):
            for queue, path in enumerate(self.pcap(f"{side}-in")):
                write_pcap(path, packets(seed + queue, COUNT))

    def exchange(self):
        """Let all packets go both ways; port 0 is the rings, 1 the files."""
        want = COUNT * self.pairs
        self.back.command("start")
        self.front.command("start")
        for side in (self.back, self.front):
            side.wait(f"the last of {want} packets in the file",
                      lambda: side.stats(1)[1] >= want)
        for side in (self.front, self.back):
            received, sent, failed = side.stats(0)
            if (received, sent, failed) != (want, want, 0):
                raise Failure(f"{side.name}: {received} packets received, "
                              f"{sent} sent, {failed} not sent: {want} each "
                              "are right")

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


def start_all(tap, net):
    net.write_packets()
    tap.step("the back-end starts", net.start_back)
    tap.step("vuser-vhost connects to it", net.start_bridge)
    tap.step("the device attaches", net.create)
    tap.step("net_virtio takes it", net.start_front)


def end_all(tap, net):
    tap.step("the driver's program ends", net.stop, net.front)
    tap.step("nothing stays mapped", lambda: require(
        net.show()["dma-regions"] == 0, str(net.show())))
    tap.step("the device is removed", net.remove)
    tap.step("vuser-vhost ends", net.stop_bridge)
    tap.step("the back-end's program ends", net.stop, net.back)
    tap.step("what came is what was sent", net.compare)


def exchange(tap, net):
    """Packets both ways, and nothing else."""
    start_all(tap, net)
    tap.step(f"{COUNT} packets of each queue arrive, both ways", net.exchange)
    end_all(tap, net)


SCENARIOS = {
    "split": (exchange, 1, "--no-packed"),
}


def main(work, name):
    scenario, pairs, *options = SCENARIOS[name]
    tap = Tap()
    net = Net(work, pairs, *options)
    try:
        scenario(tap, net)
    except Failure:
        for log in sorted(os.listdir(work)):
            if log.endswith(".log"):
                with open(os.path.join(work, log), errors="replace",
                          encoding="utf-8") as file:
                    for line in file.read().replace("\r", "\n").split("\n")[-25:]:
                        print(f"# {log}: {line}")
    finally:
        net.clean_up()
    print(f"1..{tap.count}")


if len(sys.argv) != 3 or sys.argv[2] not in SCENARIOS:
    sys.exit(__doc__)
main(*sys.argv[1:])
