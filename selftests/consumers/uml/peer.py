# SPDX-License-Identifier: GPL-2.0
"""A computer at the other end of a network card of QEMU: it answers ARP and ping."""

import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../qemu-server"))

# pylint: disable=wrong-import-position
from wire import Wire

MAC = bytes([2, 0, 0, 0, 0, 1])
ARP, IP, ICMP = 0x0806, 0x0800, 1
ARP_REQUEST, ARP_REPLY, ECHO_REQUEST = 1, 2, 8


def checksum(data):
    """The checksum of the internet's protocols."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", ~total & 0xffff)


def arp_reply(frame, address):
    operation, sender, wanted = frame[20:22], frame[22:32], frame[38:42]
    if operation != struct.pack(">H", ARP_REQUEST) or wanted != address:
        return None
    return (sender[:6] + MAC + frame[12:20] + struct.pack(">H", ARP_REPLY) + MAC + address
            + sender)


def echo_reply(frame, address):
    """Swap the addresses and change the type; the header's checksum stays right."""
    start = 14 + (frame[14] & 0xf) * 4
    end = 14 + struct.unpack_from(">H", frame, 16)[0]
    if frame[23] != ICMP or frame[30:34] != address or frame[start] != ECHO_REQUEST:
        return None
    rest = frame[start + 4:end]
    return (frame[6:12] + MAC + frame[12:26] + frame[30:34] + frame[26:30]
            + frame[34:start] + b"\0\0" + checksum(b"\0\0\0\0" + rest) + rest)


class Peer(Wire):
    """A Wire that answers by itself and counts its answers."""

    def __init__(self, work, name, address):
        self.address = bytes(map(int, address.split(".")))
        self.pings = 0
        super().__init__(work, name)

    def answer(self, frame):
        kind = struct.unpack_from(">H", frame, 12)[0]
        reply = None
        if kind == ARP:
            reply = arp_reply(frame, self.address)
        elif kind == IP:
            reply = echo_reply(frame, self.address)
            self.pings += reply is not None
        if reply:
            self.send([reply])
