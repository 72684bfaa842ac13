# SPDX-License-Identifier: GPL-2.0
"""What both sides of a device know: they talk to each other through it."""
import ctypes
import fcntl
import os
import socket
import struct

PATIENCE = 600  # seconds for the other side; emulation is slow

# vsock
HOST = 2
OUTSIDE_PORT = 1234
INSIDE_PORT = 4321
FROM_INSIDE = b"from inside to outside\n"
FROM_OUTSIDE = b"from outside to inside\n"

# i2c: the address of the chip
CHIP = 0x50

# console
CONSOLE_BYTE = b"!"

# input
KEYBOARD = "keyboard of the test"
EV_SYN, EV_KEY = 0, 1
KEY_A, KEY_V = 30, 47
KEYS = [(KEY_V, 1), (KEY_V, 0), (KEY_A, 1), (KEY_A, 0)]
EVENT = struct.Struct("llHHi")

# can
CAN_FRAME = struct.Struct("=IB3x8s")
CAN_QUESTION = CAN_FRAME.pack(0x123, 5, b"vuser")
CAN_ANSWER = CAN_FRAME.pack(0x321, 8, b"outside!")


def expect(got, wanted):
    """Fail unless both are equal."""
    if got != wanted:
        raise SystemExit(f"got {got!r} instead of {wanted!r}")


def read_line(read):
    """Read bytes with @read up to the end of a line."""
    line = b""
    while not line.endswith(b"\n"):
        byte = read(1)
        if not byte:
            raise SystemExit(f"the other side ended after {line!r}")
        line += byte
    return line


def can_socket(name):
    """A socket on a CAN interface."""
    sock = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    sock.settimeout(PATIENCE)
    sock.bind((name,))
    return sock


class I2cData(ctypes.Structure):
    """struct i2c_smbus_ioctl_data."""
    _fields_ = [("write_0", ctypes.c_uint8), ("command", ctypes.c_uint8),
                ("size", ctypes.c_uint32), ("data", ctypes.c_void_p)]


def i2c(bus, register, value=None):
    """Write a register of the i2c chip, or read it and return its value."""
    data = ctypes.create_string_buffer(bytes([value or 0]), 34)
    call = I2cData(value is None, register, 2, ctypes.addressof(data))  # a byte
    file = os.open(f"/dev/i2c-{bus}", os.O_RDWR)
    fcntl.ioctl(file, 0x0703, CHIP)  # I2C_SLAVE
    fcntl.ioctl(file, 0x0720, call)  # I2C_SMBUS
    os.close(file)
    return data.raw[0]
