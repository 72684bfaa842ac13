#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In User-Mode Linux: use one device, with outside.py at its other side.

usage: inside.py vsock | i2c | console | input FILE | can
  FILE  made when the keyboard is open: then outside.py presses keys
"""
import fcntl
import os
import pathlib
import socket
import sys
import tty

from common import (CAN_ANSWER, CAN_QUESTION, CONSOLE_BYTE, EVENT, EV_KEY, FROM_INSIDE,
                    FROM_OUTSIDE, HOST, INSIDE_PORT, KEYBOARD, KEYS, OUTSIDE_PORT, PATIENCE,
                    can_socket, expect, i2c, read_line)


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


def i2c_chip():
    """Read what the outside wrote, write what it reads."""
    expect(i2c(0, 0x10), 0xa5)
    i2c(0, 0x20, 0x5a)


def console():
    """Send a line, then receive one byte and send it back."""
    file = os.open("/dev/hvc0", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    os.write(file, FROM_INSIDE)
    byte = os.read(file, 1)
    os.write(file, byte)
    expect(byte, CONSOLE_BYTE)
    os.close(file)


def keyboard(ready):
    """The outside presses keys."""
    with open("/dev/input/event0", "rb", buffering=0) as file:
        name = fcntl.ioctl(file, 0x81004506, bytes(256))  # EVIOCGNAME(256)
        expect(name.partition(b"\0")[0].decode(), KEYBOARD)
        pathlib.Path(ready).touch()
        keys = []
        while len(keys) < len(KEYS):
            _, _, kind, code, value = EVENT.unpack(file.read(EVENT.size))
            if kind == EV_KEY:
                keys.append((code, value))
    expect(keys, KEYS)


def can():
    """The outside answers a frame. The back end receives its own frames, too."""
    with can_socket("can0") as sock:
        sock.send(CAN_QUESTION)
        answer = sock.recv(16)
        if answer == CAN_QUESTION:
            answer = sock.recv(16)
        expect(answer, CAN_ANSWER)


{"vsock": vsock, "i2c": i2c_chip, "console": console, "input": keyboard,
 "can": can}[sys.argv[1]](*sys.argv[2:])
