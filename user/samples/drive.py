#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A driver for the sample device gpio. It uses VFIO as any VFIO program does.

usage: drive.py UUID
"""

import ctypes
import fcntl
import mmap
import os
import struct
import sys

# <linux/vfio.h>
VFIO_SET_IOMMU = 0x3b66
VFIO_GROUP_SET_CONTAINER = 0x3b68
VFIO_GROUP_GET_DEVICE_FD = 0x3b6a
VFIO_DEVICE_GET_REGION_INFO = 0x3b6c
VFIO_DEVICE_SET_IRQS = 0x3b6e
VFIO_IOMMU_MAP_DMA = 0x3b71
VFIO_TYPE1v2_IOMMU = 3
VFIO_PCI_BAR0 = 0
VFIO_PCI_CONFIG = 7
VFIO_PCI_INTX = 0
VFIO_IRQ_SET_DATA_EVENTFD_TRIGGER = 4 | 32
VFIO_DMA_MAP_READ_WRITE = 1 | 2

# Configuration space
PCI_COMMAND = 4
PCI_COMMAND_MASTER = 4

# The registers of the device
OUT, IN, CHANGED, ENABLE, ADDRESS, PLAY = 0x00, 0x04, 0x08, 0x0c, 0x10, 0x18

IOVA = 0x100000


def open_device(uuid):
    """Open the device's group, put it into a container and open the device."""
    group = os.path.basename(
        os.path.realpath(f"/sys/bus/mdev/devices/{uuid}/iommu_group"))
    group = os.open(f"/dev/vfio/{group}", os.O_RDWR)
    container = os.open("/dev/vfio/vfio", os.O_RDWR)
    fcntl.ioctl(group, VFIO_GROUP_SET_CONTAINER, struct.pack("i", container))
    fcntl.ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)
    device = fcntl.ioctl(group, VFIO_GROUP_GET_DEVICE_FD,
                         bytearray(uuid.encode() + b"\0"))
    return container, device


def region_offset(device, index):
    """The offset of a region in the device's file."""
    info = struct.pack("IIIIQQ", 32, 0, index, 0, 0, 0)
    return struct.unpack("IIIIQQ",
                         fcntl.ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info))[5]


def set_eventfd(device):
    """Let INTx signal an eventfd."""
    event = os.eventfd(0)
    fcntl.ioctl(device, VFIO_DEVICE_SET_IRQS, struct.pack(
        "IIIIIi", 24, VFIO_IRQ_SET_DATA_EVENTFD_TRIGGER, VFIO_PCI_INTX, 0, 1, event))
    return event


def map_memory(container):
    """Map a page of memory for DMA at IOVA."""
    file = os.memfd_create("memory")
    os.truncate(file, mmap.PAGESIZE)
    memory = mmap.mmap(file, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(container, VFIO_IOMMU_MAP_DMA, struct.pack(
        "IIQQQ", 32, VFIO_DMA_MAP_READ_WRITE, address, IOVA, mmap.PAGESIZE))
    return memory


def main(uuid):
    container, device = open_device(uuid)
    bar = region_offset(device, VFIO_PCI_BAR0)

    def read(register):
        return struct.unpack("<I", os.pread(device, 4, bar + register))[0]

    def write(register, value):
        os.pwrite(device, struct.pack("<I", value), bar + register)

    write(OUT, 0x0000000f)
    print(f"outputs {read(OUT):#010x}, inputs {read(IN):#010x}")

    write(CHANGED, 0xffffffff)
    event = set_eventfd(device)
    write(ENABLE, 0x00000010)
    write(OUT, 0x0000001f)
    print(f"interrupts {os.eventfd_read(event)}, changed {read(CHANGED):#010x}")

    memory = map_memory(container)
    memory[:12] = struct.pack("<III", 1, 2, 3)
    command = region_offset(device, VFIO_PCI_CONFIG) + PCI_COMMAND
    os.pwrite(device, struct.pack("<H", PCI_COMMAND_MASTER), command)
    write(ADDRESS, IOVA)
    write(PLAY, 3)
    # Writes are posted, as on PCI. The read waits until the device has done the write.
    done = read(PLAY)
    words = " ".join(f"{word:#010x}" for word in struct.unpack("<III", memory[:12]))
    print(f"played {done} words, inputs {words}")


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
