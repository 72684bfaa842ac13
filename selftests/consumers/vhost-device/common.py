# SPDX-License-Identifier: GPL-2.0
"""What both sides of a device know: they talk to each other through it."""
import ctypes
import fcntl
import os

PATIENCE = 600  # seconds for the other side; emulation is slow

# vsock
HOST = 2
OUTSIDE_PORT = 1234
INSIDE_PORT = 4321
FROM_INSIDE = b"from inside to outside\n"
FROM_OUTSIDE = b"from outside to inside\n"

# console
CONSOLE_BYTE = b"!"


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


class I2cData(ctypes.Structure):
    """struct i2c_smbus_ioctl_data."""
    _fields_ = [("write_0", ctypes.c_uint8), ("command", ctypes.c_uint8),
                ("size", ctypes.c_uint32), ("data", ctypes.c_void_p)]


def i2c(bus, chip, register, value=None):
    """Write a register of an i2c chip, or read it and return its value."""
    data = ctypes.create_string_buffer(bytes([value or 0]), 34)
    call = I2cData(value is None, register, 2, ctypes.addressof(data))  # a byte
    file = os.open(f"/dev/i2c-{bus}", os.O_RDWR)
    fcntl.ioctl(file, 0x0703, chip)  # I2C_SLAVE
    fcntl.ioctl(file, 0x0720, call)  # I2C_SMBUS
    os.close(file)
    return data.raw[0]
