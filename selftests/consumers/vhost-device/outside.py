#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In the machine: the other side of a device that inside.py uses.

usage: outside.py rng SOURCE FILE       check that FILE came from SOURCE
       outside.py vsock SOCKET          wait for inside.py at vhost-device-vsock's sockets
       outside.py i2c-write BUS CHIP    write the register that inside.py reads
       outside.py i2c-read BUS CHIP     read the register that inside.py wrote
       outside.py console PORT          talk to inside.py on vhost-device-console's port
"""
import pathlib
import socket
import sys

from common import (CONSOLE_BYTE, FROM_INSIDE, FROM_OUTSIDE, INSIDE_PORT, OUTSIDE_PORT,
                    PATIENCE, expect, i2c, read_line)


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


def main(what, *words):
    """Be the other side of one device."""
    if what == "i2c-write":
        i2c(words[0], int(words[1], 0), 0x10, 0xa5)
    elif what == "i2c-read":
        expect(i2c(words[0], int(words[1], 0), 0x20), 0x5a)
    else:
        {"rng": rng, "vsock": vsock, "console": console}[what](*words)


main(*sys.argv[1:])
