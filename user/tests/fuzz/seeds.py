#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Write the first inputs of the harnesses: valid messages for mutations to break.

usage: seeds.py DIRECTORY    write DIRECTORY/HARNESS/seed-*
"""
import os
import struct
import sys

# Flags of a record, see stream.h.
REPLY, NO_REPLY, ERROR, RAW, TWIN, MORE, ECHO, SIZE = (1 << i for i in range(8))

# Commands.
(VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IO_FDS, IRQ_INFO, SET_IRQS,
 REGION_READ, REGION_WRITE, DMA_READ, DMA_WRITE, RESET) = range(1, 14)
WRITE_MULTI, FEATURE, MIG_READ, MIG_WRITE = range(15, 19)

EVENTFD, MEMORY, ZERO, SOCKET, SMALL = range(5)

JSON = (b'{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":4096,'
        b'"max_dma_maps":8,"pgsizes":4096,"migration":{"pgsize":4096},'
        b'"twin_socket":{"supported":true,"fd_index":0},'
        b'"write_multiple":true}}\0')


def record(command, data=b"", flags=0, fds=0, kind=EVENTFD, adjust=0):
    return struct.pack("<BBBBH", command, flags, kind << 4 | fds, adjust,
                       len(data)) + data


def version(minor=1, json=JSON):
    return struct.pack("<HH", 0, minor) + json


def dma_map(address, size, flags=3, offset=0):
    return struct.pack("<IIQQQ", 32, flags, offset, address, size)


def dma_unmap(address, size, flags=0):
    return struct.pack("<IIQQ", 24, flags, address, size)


def info(flags=3, regions=9, irqs=5):
    return struct.pack("<IIII", 16, flags, regions, irqs)


def region(index=0, flags=3, size=0x4000, caps=b"", offset=0):
    if caps:
        flags |= 8
    return struct.pack("<IIIIQQ", 32 + len(caps), flags, index,
                       32 if caps else 0, size, offset) + caps


def sparse(areas, next_cap=0):
    cap = struct.pack("<HHIII", 1, 1, next_cap, len(areas), 0)
    return cap + b"".join(struct.pack("<QQ", *area) for area in areas)


def type_cap(number, subtype):
    return struct.pack("<HHIII", 2, 1, 0, number, subtype)


def io_fds(index, entries):
    data = struct.pack("<IIII", 16 + 40 * len(entries), 0, index, len(entries))
    for offset, size, fd, flags, match in entries:
        data += struct.pack("<QQIIIIQ", offset, size, fd, 0, flags, 0, match)
    return data


def shadow_io_fds(index, entries):
    """Return a reply to GET_REGION_IO_FDS in the layout of libvfio-user."""
    data = struct.pack("<IIII", 16 + 48 * len(entries), 0, index, len(entries))
    for offset, size, fd, kind, flags, match in entries:
        data += struct.pack("<QQIIIIQQ", offset, size, fd, kind, flags, 1, 0, match)
    return data


def irq(index, flags=1, count=4):
    return struct.pack("<IIII", 16, flags, index, count)


def set_irqs(flags, index, start, count, data=b""):
    return struct.pack("<IIIII", 20 + len(data), flags, index, start,
                       count) + data


def access(reg, offset, count, data=b""):
    return struct.pack("<QII", offset, reg, count) + data


def dma(address, count, data=b""):
    return struct.pack("<QQ", address, count) + data


def feature(flags, data=b"", room=0):
    return struct.pack("<II", room or 8 + len(data), flags) + data


def mig(size, data=b""):
    return struct.pack("<II", 8 + size, size) + data


def single(reg, offset, data):
    return struct.pack("<QII", offset, reg, len(data)) + data.ljust(8, b"\0")


SPARSE = sparse([(0x1000, 0x1000), (0x3000, 0x1000)])
TWO_CAPS = sparse([(0, 0x1000)], 32 + 32) + type_cap(1, 2)
SHADOWS = [(0, 4, 0, 2, 0, 0), (8, 2, 1, 0, 1, 7)]
WRITES = struct.pack("<Q", 2) + single(0, 8, b"abcd") + single(2, 16, b"xy")


def decode_seeds():
    header = struct.pack("<HHIII", 1, REGION_READ, 32, 0, 0)
    region_size = struct.pack("<Q", 0x4000)
    return [
        (0, header), (1, dma_map(0x1000, 0x2000)), (2, dma_unmap(0x1000, 0x1000)),
        (2, dma_unmap(0, 0, 2)),
        (3, struct.pack("<QQ", 1, 2) + dma_unmap(1, 2)), (4, info()),
        (5, region()), (6, b"\0" + region()), (6, b"\1" + region(1, 7, caps=SPARSE)),
        (6, b"\1" + region(1, 7, caps=TWO_CAPS)),
        (6, b"\1" + region(1, 7, caps=type_cap(3, 4))),
        (6, b"\1" + struct.pack("<IIIIQQ", 4096, 15, 1, 0, 0x4000, 0)),
        (7, struct.pack("<IIII", 4096, 0, 1, 0)),
        (8, b"\2\2" + region_size + io_fds(2, [(0, 4, 0, 0, 0), (8, 2, 1, 1, 7)])),
        (8, b"\2\2" + region_size + shadow_io_fds(2, SHADOWS)),
        (9, b"\2" + irq(2)), (10, b"\2" + set_irqs(0x24, 2, 0, 2)),
        (10, b"\0" + set_irqs(0x22, 2, 0, 2, b"\1\0")),
        (10, b"\0" + set_irqs(0x21, 2, 0, 0)),
        (11, struct.pack("<I", 64) + access(1, 8, 4)),
        (11, struct.pack("<I", 64) + access(1, 8, 4, b"abcd")),
        (12, b"\1\4" + struct.pack("<Q", 8) + access(1, 8, 4, b"abcd")),
        (12, b"\1\4" + struct.pack("<Q", 8) + access(1, 8, 4)),
        (13, struct.pack("<I", 64) + dma(0x1000, 4)),
        (13, struct.pack("<I", 64) + dma(0x1000, 4, b"abcd")),
        (14, struct.pack("<QB", 0x1000, 4) + dma(0x1000, 4, b"abcd")),
        (14, struct.pack("<QB", 0x1000, 4) + dma(0x1000, 4)),
        (14, struct.pack("<QB", 0x1000, 4) + struct.pack("<QI", 0x1000, 4)),
        (15, b""), (16, WRITES), (17, b"\2" + struct.pack("<Q", 2)),
        (18, struct.pack("<I", 0x10002) + feature(0x10002, b"12345678")),
        (19, struct.pack("<I", 64) + mig(16)),
        (19, struct.pack("<I", 64) + mig(4, b"abcd")),
    ]


def client_messages():
    """Return messages of a client for fuzz-server."""
    regs = access(0, 0x108, 4, struct.pack("<I", 64))
    go = access(0, 0x100, 8, struct.pack("<Q", 0x10000))
    return [
        record(VERSION, version()), record(GET_INFO, info(0, 0, 0)),
        record(REGION_INFO, struct.pack("<IIIIQQ", 4096, 0, 1, 0, 0, 0)),
        record(REGION_INFO, struct.pack("<IIIIQQ", 32, 0, 9, 0, 0, 0)),
        record(IO_FDS, struct.pack("<IIII", 4096, 0, 2, 0)),
        record(IRQ_INFO, irq(2, 0, 0)),
        record(SET_IRQS, set_irqs(0x24, 2, 0, 2), fds=2),
        record(SET_IRQS, set_irqs(0x24, 0, 0, 1), fds=1),
        record(SET_IRQS, set_irqs(0x0a, 0, 0, 1, b"\1")),
        record(SET_IRQS, set_irqs(0x11, 0, 0, 1)),
        record(SET_IRQS, set_irqs(0x21, 2, 0, 2)),
        record(DMA_MAP, dma_map(0x10000, 0x4000), fds=1, kind=MEMORY),
        record(DMA_MAP, dma_map(0x20000, 0x4000)),
        record(DMA_MAP, dma_map(0x14000, 0x1000, 1, 0x1000), fds=1, kind=ZERO),
        record(REGION_WRITE, regs), record(REGION_WRITE, go),
        record(REGION_WRITE, access(0, 0x100, 8, struct.pack("<Q", 0x20000))),
        record(DMA_READ, dma(0x20000, 64, bytes(64)), REPLY | ECHO | TWIN),
        record(DMA_WRITE, dma(0x20040, 64), REPLY | ECHO | TWIN),
        record(REGION_READ, access(7, 0, 64)), record(REGION_READ, access(1, 4, 16)),
        record(REGION_WRITE, access(2, 0x1000, 4, b"abcd"), NO_REPLY),
        record(REGION_WRITE, access(7, 4, 4, b"\7\0\0\0")),
        record(WRITE_MULTI, WRITES), record(RESET),
        record(FEATURE, feature(0x10002, bytes(8))),
        record(FEATURE, feature(0x20002, bytes(8))),
        record(MIG_READ, mig(16)), record(MIG_WRITE, mig(4, b"abcd")),
        record(FEATURE, feature(0x10001, bytes(8))),
        record(FEATURE, feature(0x20002, struct.pack("<II", 3, 0))),
        record(MIG_READ, mig(16)),
        record(FEATURE, feature(0x20002, struct.pack("<II", 4, 0))),
        record(MIG_WRITE, mig(4, b"abcd")),
        record(FEATURE, feature(0x20002, struct.pack("<II", 2, 0))),
        record(FEATURE, feature(0x60006)),
        record(FEATURE, feature(0x20006, struct.pack("<QIIQQ", 4096, 1, 0,
                                                     0x10000, 0x4000))),
        record(FEATURE, feature(0x10008, struct.pack("<QQQ", 0x10000, 0x4000,
                                                     4096), 64)),
        record(FEATURE, feature(0x10008, struct.pack("<QQQ", 0, 0x4000000, 8192),
                                32)),
        record(FEATURE, feature(0x20007)),
        record(DMA_UNMAP, dma_unmap(0x10000, 0x4000)),
        record(DMA_UNMAP, dma_unmap(0, 0, 2)),
    ]


def handshake(twin, regions=9, irqs=2):
    """Return replies of a server to a handshake."""
    out = record(0, version(), REPLY | ECHO, 1 if twin else 0, SOCKET)
    out += record(0, info(3, regions, irqs), REPLY | ECHO)
    for index in range(regions):
        if index == 1:
            out += record(0, region(1, 7, caps=SPARSE), REPLY | ECHO, 1, MEMORY)
        elif index == 3:
            out += record(0, region(3, 7, caps=TWO_CAPS), REPLY | ECHO, 1, MEMORY)
        elif index == 5:
            out += record(0, b"", REPLY | ECHO | ERROR, adjust=22)
            continue
        else:
            out += record(0, region(index), REPLY | ECHO)
        if index < 6 or index >= 9:
            entries = [(0, 4, 0, 0, 0), (8, 2, 1, 1, 7)] if index == 2 else []
            if index == 4:
                out += record(0, shadow_io_fds(index, SHADOWS), REPLY | ECHO, 2)
            else:
                out += record(0, io_fds(index, entries), REPLY | ECHO, len(entries))
    for index in range(irqs):
        out += record(0, irq(index), REPLY | ECHO)
    return out


def config(nr):
    return record(0, access(7, 0, 4, b"abcd"), REPLY | ECHO) * nr


def client_seeds():
    options = 0xf0
    calls = bytes(range(10)) + bytes([0, 8, 9, 10, 11])
    no_twin = JSON.replace(b'"supported":true', b'"supported":false')
    shake = record(0, version(json=no_twin), REPLY | ECHO)
    shake += record(0, info(3, 1, 1), REPLY | ECHO)
    shake += record(0, region(0), REPLY | ECHO)
    shake += record(0, io_fds(0, []), REPLY | ECHO)
    shake += record(0, irq(0), REPLY | ECHO)
    answers = [
        record(0, access(1, 8, 64, bytes(64)), REPLY | ECHO),
        record(0, access(1, 8, 64), REPLY | ECHO),
        record(0, struct.pack("<Q", 1), REPLY | ECHO),
        record(0, b"", REPLY | ECHO), record(0, b"", REPLY | ECHO),
        record(0, dma_unmap(0x1000, 0x1000), REPLY | ECHO),
        record(0, b"", REPLY | ECHO),
        record(0, feature(0x10002, bytes(8)), REPLY | ECHO),
        record(DMA_READ, dma(0x1000, 64)),
        record(DMA_WRITE, dma(0x1000, 16, bytes(16))),
        record(DMA_READ, dma(0x1001, 64), NO_REPLY),
    ]
    twin = handshake(True, 1, 1)
    return [
        bytes([options | 1]) + calls + shake + b"".join(answers),
        bytes([options]) + calls + twin +
        record(DMA_READ, dma(0x1000, 64), TWIN) + b"".join(answers),
        bytes([0x23]) + bytes(2) + handshake(False),
    ]


def attr(number, data):
    out = struct.pack("<HH", 4 + len(data), number) + data
    return out + bytes(-len(out) % 4)


def u32(number, value):
    return attr(number, struct.pack("<I", value))


def netlink_seeds():
    """Return netlink messages; include/uapi/linux/vuser.h has the attributes."""
    dev = struct.pack("<BBH", 1, 1, 0)
    uuid = attr(2, bytes(range(16)))
    for number in range(1, 40):
        if number == 2:
            dev += uuid
        else:
            dev += u32(number, 1)
    nested = struct.pack("<BBH", 1, 1, 0) + u32(1, 1) + uuid
    for number in range(3, 40):
        nested += attr(number, u32(1, 2) + attr(2, bytes(8)) + u32(3, 3))
    strings = struct.pack("<BBH", 2, 1, 0) + u32(1, 1) + uuid
    for number in range(3, 40):
        strings += attr(number, b"/run/dev.sock\0")
    notes = b""
    for cmd in range(1, 16):
        note = struct.pack("<BBH", cmd, 1, 0) + u32(1, 3) + attr(2, bytes(8))
        notes += struct.pack("<H", len(note) | 0x800) + note
    ok = struct.pack("<i", 0)
    bad = struct.pack("<i", -22) + bytes(16) + attr(1, b"does not exist\0")
    seeds = []
    for body in (dev, nested, strings):
        message = struct.pack("<H", len(body)) + body
        done = struct.pack("<H", len(ok) | 0x1000) + ok
        fail = struct.pack("<H", len(bad) | 0x1000) + bad
        for first in range(5):
            seeds.append(bytes([4, first, 2, 3, 4]) + message + done + notes +
                         message + fail + done)
    return seeds


# Attributes of a device, and states.
(DEV_ID, DEV_UUID, DEV_STATE, DEV_PCI, DEV_GROUP, DEV_ENDPOINT, DEV_ERROR,
 DEV_OWNER, DEV_TOKEN, DEV_TIMEOUT) = range(1, 11)
CREATED, ATTACHED, OPEN, LOST = range(4)


def datagram(body, flags=0):
    return struct.pack("<H", len(body) | flags) + body


def device_message(cmd, state, owner=0, path=b"/run/dev.sock\0", number=1):
    return struct.pack("<BBH", cmd, 1, 0) + u32(DEV_ID, number) + \
        attr(DEV_UUID, bytes(range(16))) + u32(DEV_STATE, state) + \
        attr(DEV_ENDPOINT, path) + u32(DEV_OWNER, owner) + \
        u32(DEV_TIMEOUT, 1000)


def vuserd_seeds():
    """Return inputs in which a device is listed, claimed, attached, and changes."""
    ack = datagram(struct.pack("<i", 0), 0x1000)
    busy = datagram(struct.pack("<i", -16), 0x1000)
    gone = datagram(struct.pack("<i", -19), 0x1000)
    token = datagram(struct.pack("<BBH", 5, 1, 0) + u32(DEV_ID, 1) +
                     attr(DEV_TOKEN, bytes(8)))
    shown = [datagram(device_message(1, state)) for state in range(4)]
    changed = [datagram(device_message(2, state), 0x800) for state in range(4)]
    went = datagram(device_message(3, 0), 0x800)
    note = datagram(struct.pack("<BBH", 8, 1, 0) + u32(1, 1) + attr(2, bytes(8)),
                    0x800)
    lost = struct.pack("<H", 0x8000)
    server = handshake(True, 9, 2) + config(66)
    seeds = []
    for state in range(4):
        start = shown[0] + ack + shown[state] + ack + token + ack + ack
        for end in (ack, busy, gone):
            for then in (changed[1] + shown[1] + ack, note + ack + ack,
                         changed[3] + shown[3] + ack + ack, went, lost,
                         changed[0] + datagram(device_message(
                             1, 0, 0, b"/run/other\0")) + ack):
                kernel = start + end + then + shown[0] + ack
                seeds.append(struct.pack("<BH", 9, len(kernel)) + kernel + server)
    return seeds


def version_seeds():
    whole = version()
    return [whole, version(0, b'{"capabilities":{}}\0'), version(1, b"{}\0"),
            struct.pack("<HH", 0, 1), version(1, b'{"a":[1,{"b":null}],"c":1e3}\0'),
            version(1, '{"\u00e9":"\u20ac\\ud83d\\ude00"}\0'.encode())]


def insn_seeds():
    codes = ["8b07", "48890f", "c7470412345678", "0fb607", "480fbe07", "660fbe07",
             "f3a4", "f348ab", "0fc107", "f00fb10f", "480fba2f05", "0f380207",
             "0f38f007", "c5f96f07", "0f1007", "660f7f07", "f30f7e07", "d32f",
             "c12f03", "0faf07", "0fbc07", "f30fb807", "0f9407", "f617", "fe07",
             "67428b848812345678", "4c8b3d44332211", "a044332211", "48a3443322",
             "876f08", "0fa307", "8707", "6b0703", "f2ae", "f3a6", "ff37", "8f07",
             "f3480fbc07", "f20f38f107", "480fc70f", "0f4407", "c4e278f207",
             "c4e2fbf607", "c5fe6f07", "c5fd7f07", "c4e26d2c07", "c4e37d190701",
             "660f7407", "62f17f497f07", "62f16dd9fe07", "62f3753e0701",
             "660f38f817", "0fae3f"]
    return [bytes.fromhex(code).ljust(15, b"\x11") + bytes(range(160))
            for code in codes]


def vhost_messages():
    """Return requests of the front end: number, payload, descriptors."""
    region = struct.pack("<QQQQ", 0, 0x1000, 0x10000, 0)
    u64 = struct.pack("<Q", 1)
    state = struct.pack("<II", 0, 256)
    config = struct.pack("<III", 0, 16, 0) + bytes(16)
    inflight = struct.pack("<QQHHI", 0, 0, 1, 256, 0)
    requests = [(1, b"", 0), (2, u64, 0), (3, b"", 0),
                (5, struct.pack("<II", 1, 0) + region, 1),
                (6, struct.pack("<QQ", 0x1000, 0), 1), (7, b"", 1),
                (8, state, 0), (9, struct.pack("<IIQQQQ", 0, 0, 0, 0, 0, 0), 0),
                (10, state, 0), (11, state, 0), (12, u64, 1),
                (13, struct.pack("<Q", 0x100), 0), (15, b"", 0), (16, u64, 0),
                (17, b"", 0), (18, state, 0), (20, u64, 0), (21, b"", 1),
                (22, struct.pack("<QQQBB6x", 0, 0, 0, 0, 1), 0),
                (24, config, 0), (25, config, 0), (31, inflight, 0),
                (32, inflight, 1), (36, b"", 0), (37, bytes(8) + region, 1),
                (38, bytes(8) + region, 0), (39, u64, 0), (40, b"", 0),
                (41, bytes(16), 0), (42, struct.pack("<II", 0, 0), 1),
                (43, b"", 0), (44, b"", 0)]
    return [(struct.pack("<III", number, 1, len(data)) + data, fds)
            for number, data, fds in requests]


def vhost_answer(number, data, fds=0, kind=EVENTFD):
    return record(number, data, REPLY | ECHO, fds, kind)


def vhost_decode_seeds():
    seeds = []
    for message, fds in vhost_messages():
        number, _, size = struct.unpack_from("<III", message)
        asked = struct.pack("<BH", fds, len(message)) + message
        seeds.append(bytes([0, fds]) + message)
        for data in (bytes(8), message[12:], struct.pack("<Q", 1)):
            answer = struct.pack("<III", number, 5, len(data)) + data
            seeds.append(b"\1" + asked + b"\0" + answer)
            seeds.append(b"\4" + asked + b"\0" + answer)
    for number in range(1, 11):
        for data in (b"", bytes(16), bytes(24), bytes(40)):
            message = struct.pack("<III", number, 1, len(data)) + data
            seeds.append(b"\2\0" + message)
            seeds.append(b"\2\1" + message)
            answer = struct.pack("<IIIQ", number, 5, 8, 0)
            asked = struct.pack("<III", number, 9, len(data)) + data
            seeds.append(b"\3" + struct.pack("<BH", 0, len(asked)) + asked +
                         b"\0" + answer)
    return seeds


def vhost_seeds():
    """Return replies of a back end at the start, and to each request."""
    features = vhost_answer(0, struct.pack("<Q", 1 << 30 | 1 << 32))
    start = features + vhost_answer(0, struct.pack("<Q", 0x40bffb))
    zero = vhost_answer(0, bytes(8))
    one = vhost_answer(0, struct.pack("<Q", 1))
    config = vhost_answer(0, struct.pack("<III", 0, 16, 0) + bytes(16))
    state = vhost_answer(0, struct.pack("<II", 0, 0))
    inflight = vhost_answer(0, struct.pack("<QQHHI", 4096, 0, 1, 256, 0), 1,
                            MEMORY)
    requests = b"".join(record(number, bytes(size), TWIN | NO_REPLY, fds, MEMORY)
                        for number, size, fds in
                        [(2, 0, 0), (3, 24, 1), (4, 8, 0), (5, 8, 0), (6, 16, 0),
                         (8, 16, 0), (9, 40, 1), (10, 40, 0)])
    seeds = []
    for low in range(16):
        calls = bytes(low | high << 4 for high in range(9)) + bytes([8])
        for answers in (zero * 12, one * 12, (zero + config) * 4 + state * 4,
                        zero * 4 + requests + inflight * 4):
            for more in (one + one + zero + zero, zero + one + one + zero + zero):
                seeds.append(bytes([len(calls)]) + calls + start + more + answers)
    return seeds


def vhost_state_seeds():
    """Return streams of a device with two queues, see state.c and stream.c."""
    def device(status=0xf, flags=1, packed=0, kept=3, base=7, inflight=0):
        accepted = 1 << 32 | packed << 34
        out = struct.pack("<HHHHHHBBBBQIIHHHBB", 1, 2, 3, 256, 12, 1, flags,
                          status, 0, 1, accepted, 0, 0, 0, 0xffff, 1, 0, 0)
        out += bytes(12) + struct.pack("<I", 0)
        out += struct.pack("<QHHI", inflight, *((2, 256) if inflight else (0, 0)),
                           0) + bytes(256)
        for number in range(2):
            out += struct.pack("<QQQIHHB7x", 0x1000, 0x2000, 0x3000,
                               base if kept & 2 else 0, 16, number, kept)
        return out + bytes(3 * 16)

    def stream(state, pieces=(b"state", b"of the back-end")):
        # The harness appends configuration space.
        out = b"vuservho" + struct.pack("<II", 2, len(state) + 4096) + state
        for piece in pieces:
            out += struct.pack("<I", len(piece)) + piece
        return out + struct.pack("<I", 0)

    states = [device(), device(0, 0, 0, 0), device(0xf, 1, 1, 3, 0x80008007),
              device(0xb, 2, 0, 1), device(0x4f, 1, 0, 3, 0xffff),
              device(flags=5, inflight=8192)]
    return [bytes([cut]) + stream(state) for state in states
            for cut in (0, 1, 200)] + [b"\0" + stream(states[0]) + b"more",
                                      b"\0" + stream(states[1], ()),
                                      b"\0" + stream(states[0], (b"\xff",))]


def main():
    messages = client_messages()
    stream = b"".join(messages)
    seeds = {
        "decode": [bytes([n]) + data for n, data in decode_seeds()],
        "version": version_seeds(),
        "framing": [b"\x08" + stream, b"\xfd" + record(1, b"abc", 0, 15) * 2,
                    b"\1" + record(1, b"abc", SIZE, adjust=3) + stream[:200]],
        "server": [bytes([opt]) + stream for opt in (0, 1, 7, 0x28, 0x72)] +
                  [b"\x81" + message for message in messages] +
                  [b"\x91" + message for message in messages] +
                  [b"\x91" + stream, b"\xb1" + stream] +
                  [b"\x81" + a + b for a in messages[6:16] for b in messages[12:18]],
        "client": client_seeds(),
        "handshake": [b"\xf0" + handshake(True) + config(66),
                      b"\xf3" + handshake(False) + config(3)],
        "netlink": netlink_seeds(),
        "insn": insn_seeds(),
        "result": [b"\0", b"\3"] + [bytes([0, n, 2, 1, 0]) for n in range(8)],
        "vhost": vhost_seeds(),
        "vuserd": vuserd_seeds(),
        "vhost-decode": vhost_decode_seeds(),
        "vhost-state": vhost_state_seeds(),
    }
    for name, inputs in seeds.items():
        directory = os.path.join(sys.argv[1], name)
        os.makedirs(directory, exist_ok=True)
        for number, data in enumerate(inputs):
            with open(os.path.join(directory, f"seed-{number:03}"), "wb") as out:
                out.write(data)


if __name__ == "__main__":
    main()
