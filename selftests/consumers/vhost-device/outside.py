#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In the machine: the other side of a device that inside.py uses.

usage: outside.py rng SOURCE FILE       check that FILE came from SOURCE
       outside.py vsock SOCKET          wait for inside.py at vhost-device-vsock's sockets
       outside.py i2c-write BUS         write the register that inside.py reads
       outside.py i2c-read BUS          read the register that inside.py wrote
       outside.py console PORT          talk to inside.py on vhost-device-console's port
       outside.py input PATH READY      make a keyboard, and the symbolic link PATH to it;
                                        press keys when the file READY exists
       outside.py can INTERFACE         answer a frame
"""
import fcntl
import os
import pathlib
import signal
import socket
import struct
import sys
import time

from common import (CAN_ANSWER, CAN_QUESTION, CONSOLE_BYTE, EVENT, EV_KEY, EV_SYN,
                    FROM_INSIDE, FROM_OUTSIDE, INSIDE_PORT, KEYBOARD, KEYS, OUTSIDE_PORT,
                    PATIENCE, can_socket, expect, i2c, read_line)

UI_SET_EVBIT, UI_SET_KEYBIT = 0x40045564, 0x40045565
UI_DEV_SETUP, UI_DEV_CREATE = 0x405c5503, 0x5501
UI_GET_SYSNAME_64 = 0x8040552c
BUS_VIRTUAL = 6


def rng(source, path):
    """The bytes are a part of the source."""
    data = pathlib.Path(path).read_bytes()
    if len(data) < 16 or data[:16] not in pathlib.Path(source).read_bytes():
        raise SystemExit(f"{data!r} did not come from {source}")


def vsock(path):
    """A listener at PATH_PORT gets connections from inside; PATH connects to a port."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(PATIENCE)
        listener.bind(f"{path}_{OUTSIDE_PORT}")
        listener.listen()
        sock, _ = listener.accept()
    with sock:
        sock.settimeout(PATIENCE)
        expect(read_line(sock.recv), FROM_INSIDE)
        sock.sendall(FROM_OUTSIDE)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(path)
        sock.sendall(f"CONNECT {INSIDE_PORT}\n".encode())
        expect(read_line(sock.recv)[:3], b"OK ")
        sock.sendall(FROM_OUTSIDE)
        expect(read_line(sock.recv), FROM_INSIDE)


def console(port):
    """Receive a line, then send one byte, which comes back. vhost-device-console cannot
    pass more than the first byte reliably: see Documentation/vhost.rst."""
    with socket.create_connection(("127.0.0.1", int(port)), PATIENCE) as sock:
        expect(read_line(sock.recv), FROM_INSIDE)
        sock.sendall(CONSOLE_BYTE)
        expect(sock.recv(1), CONSOLE_BYTE)


def wait_for(path):
    """Wait for a file."""
    end = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > end:
            raise SystemExit(f"no {path}")
        time.sleep(0.1)


def keyboard(link, ready):
    """A keyboard of the kernel's uinput."""
    with open("/dev/uinput", "wb", buffering=0) as file:
        fcntl.ioctl(file, UI_SET_EVBIT, EV_KEY)
        for code, _ in KEYS:
            fcntl.ioctl(file, UI_SET_KEYBIT, code)
        fcntl.ioctl(file, UI_DEV_SETUP, struct.pack("HHHH80sI", BUS_VIRTUAL, 1, 2, 3,
                                                    KEYBOARD.encode(), 0))
        fcntl.ioctl(file, UI_DEV_CREATE)
        name = fcntl.ioctl(file, UI_GET_SYSNAME_64, bytes(64)).partition(b"\0")[0].decode()
        event, = pathlib.Path("/sys/class/input", name).glob("event*")
        os.symlink(f"/dev/input/{event.name}", link)
        wait_for(pathlib.Path(ready))
        for code, value in KEYS:
            file.write(EVENT.pack(0, 0, EV_KEY, code, value))
            file.write(EVENT.pack(0, 0, EV_SYN, 0, 0))
        # The keyboard exists as long as this process. The back end drops events that it
        # has not read when the keyboard is removed.
        signal.pause()


def can(name):
    """Answer a frame."""
    with can_socket(name) as sock:
        expect(sock.recv(16), CAN_QUESTION)
        sock.send(CAN_ANSWER)


def main(what, *words):
    """Be the other side of one device."""
    if what == "i2c-write":
        i2c(words[0], 0x10, 0xa5)
    elif what == "i2c-read":
        expect(i2c(words[0], 0x20), 0x5a)
    else:
        {"rng": rng, "vsock": vsock, "console": console, "input": keyboard,
         "can": can}[what](*words)


main(*sys.argv[1:])
