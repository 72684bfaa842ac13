# SPDX-License-Identifier: GPL-2.0
"""A network card of QEMU, DPDK as its driver, and the wire at its other side."""

import os
import struct

from server import TOP, Server
from wire import Wire

# server.py has put the directory of these into the path.
# pylint: disable=wrong-import-order
from tap import SOON, Failure, require, run
from testpmd import Console, Testpmd, packets, read_pcap, write_pcap

MAC = "52:54:00:12:34:56"
# Fewer than a ring holds: testpmd drops what it cannot send at once.
COUNT = 200
RING = 512
# How many frames are sent at most, so that so many interrupts wake l3fwd-power.
FRAMES = 40
WAKES = 10
WOKEN = b"is waked up from rx interrupt on port 0 queue 0"
L3FWD = os.environ.get("VUSER_L3FWD") or os.path.join(
    TOP, os.environ.get("BUILD", "build"), "dpdk/l3fwd-power/build/l3fwd-power")


class Card:
    """The processes of the test: QEMU serves the card, and testpmd drives it."""

    def __init__(self, work, model):
        self.work = work
        self.model = model
        self.runs = self.rounds = 0
        self.wire = Wire(work, model)
        self.server = self.program = None

    def path(self, name):
        return os.path.join(self.work, f"{self.model}-{name}")

    def start_server(self):
        # The file with the option ROM is not needed.
        self.server = Server(self.work, self.model,
                             f"{self.model},netdev=wire,mac={MAC},romfile=",
                             *self.wire.options())

    def create(self):
        self.server.create()

    def launch(self, kind, argv):
        """Start a program of DPDK that finds the card."""
        self.runs += 1
        argv = ["vuserctl", "exec", "--", *argv]
        self.program = kind(self.model, argv, self.path(f"program{self.runs}.log"))

    def start_testpmd(self, *options):
        """Port 0 is the card; port 1 reads and writes files."""
        # testpmd opens the file when it starts.
        write_pcap(self.path("in.pcap"), [])
        self.launch(Testpmd, [
            "dpdk-testpmd", "--lcores", "0@0,1@1", "-m", "64", "--no-telemetry",
            "--file-prefix", f"{self.model}{os.getpid()}", *options,
            "-a", self.server.bdf, "--vdev",
            f"net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}",
            "--", "-i", "--no-flush-rx", "--total-num-mbufs=4096",
            f"--rxd={RING}", f"--txd={RING}"])

    def information(self, *wanted):
        text = self.program.command("show port info 0")
        for line in wanted:
            require(line in text, f"no '{line}' in: {text}")

    def exchange(self):
        """Send frames both ways and compare them."""
        self.rounds += 1
        sent = packets(self.rounds, COUNT), packets(100 + self.rounds, COUNT)
        write_pcap(self.path("in.pcap"), sent[0])
        self.wire.forget()
        # Read the file from the start.
        for line in ("stop", "port stop 1", "port start 1", "clear port stats all",
                     "start"):
            self.program.command(line)
        self.wire.send(sent[1])
        frames = self.wire.receive(COUNT)
        self.program.wait(f"frame {COUNT} in the file",
                          lambda: self.program.stats(1)[1] >= COUNT)
        # Stopping the port completes its file.
        for line in ("stop", "port stop 1"):
            self.program.command(line)
        compare("on the wire", frames, sent[0])
        compare("in the file", read_pcap(self.path("out.pcap")), sent[1])

    def link(self, up):
        """Set the link in QEMU. testpmd reads the link only when the card interrupts."""
        self.server.execute("set_link", name="card", up=up)
        self.program.wait(f"link {'up' if up else 'down'}",
                          lambda: self.program.link_up(0) == up)

    def restart_server(self):
        """Kill QEMU and start it again. The new card has lost its state."""
        run("vuserctl", "set", self.server.uuid, "--on-loss", "wait")
        self.server.restart()
        run(os.path.join(TOP, "selftests/consumers/mdev_wait.py"), self.server.uuid,
            "state", "open", str(SOON))

    def reset_port(self):
        """Have DPDK's driver reset the card, as it does each time when it starts the port.

        The driver of igb disables MSI-X twice. The second time fails, as with vfio-pci.
        """
        for line in ("port stop 0", "port start 0"):
            text = self.program.command(line)
            require("Done" in text and "Fail" not in text, text)

    def end_testpmd(self):
        status = self.program.quit()
        require(status == 0, f"testpmd ended with status {status}")

    def start_l3fwd(self, *options):
        """One thread: with more, the first would spin until the others end."""
        self.launch(Console, [
            L3FWD, "--lcores", "0@0", "-m", "128", "--no-telemetry",
            "--file-prefix", f"l3fwd{os.getpid()}", *options, "-a", self.server.bdf,
            "--", "-p", "1", "--parse-ptype", "--interrupt-only", "--config=(0,0,0)"])
        self.program.read_to(b"entering main interrupt loop")

    def wake(self):
        """Send frames, one at a time. Each must come back as l3fwd-power changes it.

        The thread sleeps for 10 ms at most, and polls between its sleeps. It finds a frame
        without an interrupt if the frame arrives between two sleeps, which is seldom.
        """
        self.program.forget()
        for number in range(FRAMES):
            frame = udp(number)
            self.wire.forget()
            self.wire.send([frame])
            compare("on the wire", self.wire.receive(1), [forwarded(frame)])
            if self.program.said.count(WOKEN) >= WAKES:
                return
        raise Failure(f"{FRAMES} frames woke l3fwd-power fewer than {WAKES} times")

    def unmapped(self):
        require(self.server.show()["dma-regions"] == 0, str(self.server.show()))

    def clean_up(self):
        if self.program:
            self.program.kill()
        if self.server:
            self.server.clean_up()
        self.wire.close()


def compare(where, frames, wanted):
    for number, (frame, want) in enumerate(zip(frames, wanted)):
        if frame != want:
            raise Failure(f"frame {number} {where} differs:\n{frame.hex()}\n{want.hex()}")
    require(len(frames) == len(wanted),
            f"{len(frames)} frames {where}, not {len(wanted)}")


def address(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(header):
    """The checksum of an IPv4 header whose checksum field is 0."""
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(number):
    """A frame with a UDP packet for l3fwd-power, which drops other packets."""
    data = bytes([number]) * 64
    datagram = struct.pack(">HHHH", 1000, 2000 + number, 8 + len(data), 0) + data

    def header(check):
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), number, 0, 64, 17,
                           check, bytes([10, 0, 0, 1]), bytes([1, 1, 1, 1]))

    return (address(MAC) + bytes([2, 0, 0, 0, 1, 1]) + b"\x08\x00"
            + header(checksum(header(0))) + datagram)


def forwarded(frame):
    """The frame as l3fwd-power sends it: with other addresses, a lower time to live, and a
    checksum whose first byte is increased (its code does not care about byte order)."""
    time_to_live, check = frame[22] - 1, struct.unpack_from("<H", frame, 24)[0] + 1
    return (bytes([2, 0, 0, 0, 0, 0]) + address(MAC) + frame[12:22]
            + bytes([time_to_live]) + frame[23:24] + struct.pack("<H", check & 0xffff)
            + frame[26:])
