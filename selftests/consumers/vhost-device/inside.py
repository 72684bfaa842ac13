#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In User-Mode Linux: use one device, with outside.py at its other side.

usage: inside.py vsock | i2c CHIP | console
"""
import os
import socket
import sys
import tty

from common import (CONSOLE_BYTE, FROM_INSIDE, FROM_OUTSIDE, HOST, INSIDE_PORT,
                    OUTSIDE_PORT, PATIENCE, expect, i2c, read_line)


def vsock():
    """Connect to the outside; then the outside connects to us."""
    with socket.socket(socket.AF_VSOCK) as listener:
        listener.settimeout(PATIENCE)
        listener.bind((socket.VMADDR_CID_ANY, INSIDE_PORT))
        listener.listen()
        with socket.socket(socket.AF_VSOCK) as sock:
            sock.settimeout(PATIENCE)
            sock.connect((HOST, OUTSIDE_PORT))
            sock.sendall(FROM_INSIDE)
            expect(read_line(sock.recv), FROM_OUTSIDE)
        sock, peer = listener.accept()
        with sock:
            sock.settimeout(PATIENCE)
            expect(peer[0], HOST)
            expect(read_line(sock.recv), FROM_OUTSIDE)
            sock.sendall(FROM_INSIDE)


def i2c_chip(chip):
    """Read what the outside wrote, write what it reads."""
    expect(i2c(0, int(chip, 0), 0x10), 0xa5)
    i2c(0, int(chip, 0), 0x20, 0x5a)


def console():
    """Send a line, then receive one byte and send it back."""
    file = os.open("/dev/hvc0", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    os.write(file, FROM_INSIDE)
    byte = os.read(file, 1)
    os.write(file, byte)
    expect(byte, CONSOLE_BYTE)
    os.close(file)


{"vsock": vsock, "i2c": i2c_chip, "console": console}[sys.argv[1]](*sys.argv[2:])
