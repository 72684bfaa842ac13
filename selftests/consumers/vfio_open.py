#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Open a device as a consumer, and execute commands from standard input.

usage: vfio_open.py UUID

Prints "open", then answers each line of standard input with one line: `read OFFSET`
with the 32-bit register of BAR 0 at OFFSET, `map` with "mapped" after it has mapped
another memfd for DMA. The end of the input closes the device.
"""

import ctypes
import fcntl
import mmap
import os
import struct
import sys

SET_IOMMU = 0x3b66
GROUP_SET_CONTAINER = 0x3b68
GROUP_GET_DEVICE_FD = 0x3b6a
DEVICE_GET_REGION_INFO = 0x3b6c
IOMMU_MAP_DMA = 0x3b71
TYPE1V2 = 3
READ_WRITE = 3
PIECE = 1 << 20


def open_device(uuid):
    path = os.path.realpath(f"/sys/bus/mdev/devices/{uuid}/iommu_group")
    group = os.open(f"/dev/vfio/{os.path.basename(path)}", os.O_RDWR)
    container = os.open("/dev/vfio/vfio", os.O_RDWR)
    fcntl.ioctl(group, GROUP_SET_CONTAINER, struct.pack("i", container))
    fcntl.ioctl(container, SET_IOMMU, TYPE1V2)
    # fcntl returns the descriptor only if the argument is mutable.
    name = bytearray(uuid.encode() + b"\0")
    return container, fcntl.ioctl(group, GROUP_GET_DEVICE_FD, name)


def map_piece(container, number):
    fd = os.memfd_create("piece")
    os.truncate(fd, PIECE)
    memory = mmap.mmap(fd, PIECE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(container, IOMMU_MAP_DMA, struct.pack(
        "IIQQQ", 32, READ_WRITE, address, number * PIECE, PIECE))
    return memory


def main(uuid):
    container, device = open_device(uuid)
    info = fcntl.ioctl(device, DEVICE_GET_REGION_INFO,
                       struct.pack("IIIIQQ", 32, 0, 0, 0, 0, 0))
    bar = struct.unpack("IIIIQQ", info)[5]
    pieces = []
    print("open", flush=True)
    for line in sys.stdin:
        words = line.split()
        try:
            if words[0] == "map":
                pieces.append(map_piece(container, len(pieces)))
                print("mapped", flush=True)
            else:
                data = os.pread(device, 4, bar + int(words[1], 0))
                print(hex(struct.unpack("<I", data)[0]), flush=True)
        except OSError as error:
            print(error, flush=True)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
