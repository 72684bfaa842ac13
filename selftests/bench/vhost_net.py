#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare packets per second through vuser and through virtio-user.

usage: vhost_net.py DIRECTORY L3FWD-POWER

Prints rows of JSON.  The module must be loaded and vuserd must run.  The back end
is one dpdk-testpmd with two vhost-user ports: one for vuser's device, one for
virtio-user.  Only one port at a time forwards packets.  A fixed number of packets
circulates between the program and the back end, each of which has one forwarding
thread.  The packets that return to the back end are counted.
"""

import json
import os
import pty
import re
import select
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../consumers/vhost"))
# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from testpmd import SOON, Failure, Testpmd

ROUNDS = 21
# How long packets are counted, in seconds.
WINDOW = 1
# One ring has room for all packets, so none is dropped.
RING = 1024
BURST = 32
BURSTS = 16
PORTS = ("vuser", "direct")


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


class L3fwd:
    """One l3fwd-power; its link is up when the constructor returns."""

    def __init__(self, argv):
        self.fd, slave = pty.openpty()
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True)
        os.close(slave)
        self.wait_link()

    def wait_link(self):
        end, data = time.monotonic() + SOON, b""
        while b"Link up" not in data:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure("l3fwd-power: no link after: " + data.decode())
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                more = b""
            if not more:
                raise Failure("l3fwd-power ended: " + data.decode())
            data += more

    def command(self, _):
        """Ignore commands of testpmd: l3fwd-power always forwards."""

    def sleeps(self):
        """Return how often the threads have slept."""
        count = 0
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/status", encoding="ascii") as file:
                count += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)",
                                       file.read(), re.M)[1])
        return count

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)


class Bench:
    """The back end, the device, and the two programs that are compared."""

    def __init__(self, work, l3fwd):
        self.work = work
        self.l3fwd = l3fwd
        self.back = self.device = None
        self.fronts = {}

    def path(self, name):
        return os.path.join(self.work, name)

    def start_back(self):
        """Start the back end. It logs only errors, because its output is not read
        between two commands."""
        vdevs = []
        for i, name in enumerate(PORTS):
            vdevs += ["--vdev", f"net_vhost{i},iface={self.path(name + '.back')}"]
        self.back = Testpmd(
            "back", ["dpdk-testpmd", "--lcores", "0@1,1@0", "--no-pci",
                     "--no-huge", "-m", "128", "--no-telemetry",
                     "--log-level=*:error",
                     "--file-prefix", "back", *vdevs, "--", "-i",
                     "--total-num-mbufs=12000", f"--burst={BURST}",
                     f"--rxd={RING}", f"--txd={RING}"],
            self.path("back.log"))

    def create(self):
        """Create the device with split rings, the default of virtio-user."""
        self.device = run(
            "vuserctl", "create", "--wait", "--vhost",
            f"net:{self.path('vuser.back')},queue-size={RING},no-packed").strip()

    def front_argv(self, name, program):
        if name == "vuser":
            path = f"/sys/bus/mdev/devices/{self.device}/vuser/pci_address"
            with open(path, encoding="ascii") as file:
                which = ["-a", file.read().strip()]
            program = ["vuserctl", "exec", "--", program]
        else:
            which = ["--no-pci", "--vdev", "net_virtio_user0,path="
                     f"{self.path('direct.back')},queue_size={RING}"]
            program = [program]
        # virtio-user needs memory in few files.
        return [*program, "-m", "128", "--single-file-segments",
                "--no-telemetry", "--file-prefix", name, *which]

    def start_testpmd(self, name):
        self.fronts[name] = Testpmd(name, [
            *self.front_argv(name, "dpdk-testpmd"), "--lcores", "0@0,1@1",
            "--", "-i",
            "--total-num-mbufs=12000", f"--burst={BURST}", f"--rxd={RING}",
            f"--txd={RING}"], self.path(f"{name}.log"))

    def start_l3fwd(self, name):
        """Start l3fwd-power with one thread: with more, its first thread would spin
        until the others end.  It shares a processor with the back end, so that it
        polls 300 times without a packet and then sleeps.  It logs only errors,
        because its output is not read."""
        self.fronts[name] = L3fwd([
            *self.front_argv(name, self.l3fwd), "--lcores", "0@0",
            "--log-level=*:error", "--", "-p", "1", "--parse-ptype",
            "--interrupt-only", "--config=(0,0,0)"])

    def stop_fronts(self):
        for front in self.fronts.values():
            front.kill()
        self.fronts = {}

    def link_up(self):
        for i, name in enumerate(PORTS):
            self.back.wait(f"the link of {name}",
                           lambda i=i: self.back.link_up(i))

    def count(self, port):
        """Return (time in seconds, packets that returned)."""
        received, _, failed = self.back.stats(port)
        if failed:
            raise Failure(f"{failed} packets of {PORTS[port]} were dropped")
        return time.monotonic(), received

    def rate(self, port, bursts):
        """Return the packets per second while @bursts bursts circulate."""
        front = self.fronts[PORTS[port]]
        self.back.command(f"set portlist {port}")
        self.back.command("clear port stats all")
        front.command("start")
        self.back.command(f"start tx_first {bursts}")
        begin, first = self.count(port)
        # This is the measured time, not a wait for an event.
        time.sleep(WINDOW)
        end, last = self.count(port)
        self.back.command("stop")
        front.command("stop")
        if last == first:
            raise Failure(f"no packet of {PORTS[port]} came back")
        return (last - first) / (end - begin)

    def compare(self, name, bursts, floor):
        rates = ([], [])
        for _ in range(ROUNDS):
            for port in range(len(PORTS)):
                rates[port].append(self.rate(port, bursts))
        for port, which in enumerate(PORTS):
            say(f"{name}: {which}: "
                + " ".join(f"{rate:.0f}" for rate in rates[port]))
        value, baseline = map(statistics.median, rates)
        print(json.dumps({"name": name, "value": value, "unit": "1/s",
                          "baseline": baseline, "ratio": value / baseline,
                          "limit": None, "floor": floor}), flush=True)

    def check_sleeps(self):
        """Check that the threads sleep: otherwise no interrupt would be measured."""
        for port, name in enumerate(PORTS):
            begin, sleeps = time.monotonic(), self.fronts[name].sleeps()
            rate = self.rate(port, 1)
            sleeps = self.fronts[name].sleeps() - sleeps
            sleeps /= time.monotonic() - begin
            say(f"l3fwd-power, {name}: {rate:.0f} packets and "
                f"{sleeps:.0f} sleeps a second")
            if sleeps < rate / BURST / 2:
                raise Failure(f"l3fwd-power, {name}, does not sleep")

    def clean_up(self):
        self.stop_fronts()
        if self.device:
            run("vuserctl", "remove", self.device)
        if self.back:
            self.back.kill()


def bench(b):
    b.start_back()
    b.create()
    for name in PORTS:
        b.start_testpmd(name)
    b.link_up()
    b.compare("testpmd, packets of 64 bytes : without vuser", BURSTS, 0.95)
    b.stop_fronts()
    # l3fwd-power breaks the checksums, and drops packets with a wrong checksum.
    b.back.command("set fwd csum")
    for name in PORTS:
        b.start_l3fwd(name)
    b.link_up()
    b.check_sleeps()
    b.compare("l3fwd-power, interrupts : without vuser", 1, 0.9)


def main(work, l3fwd):
    b = Bench(work, l3fwd)
    try:
        bench(b)
    except Failure as failure:
        sys.exit(f"vhost_net.py: {failure}")
    finally:
        b.clean_up()


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2])
