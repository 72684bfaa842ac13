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
       outside.py tone PITCH BYTES FILE write a tone that rises
       outside.py sound TONE BYTES FIFO FILE
                                        be a microphone: write TONE into FIFO, the first BYTES
                                        bytes as fast as FILE gets them
       outside.py played TONE FILE      check that TONE is what `pcm` has played into FILE or
                                        FILE.0001, FILE.0002...
       outside.py recorded TONE BYTES FILE
                                        check that FILE is the first BYTES bytes of TONE
       outside.py can INTERFACE         answer a frame
       outside.py pull DIRECTORY ONE ZERO HIGH LOW EDGE
                                        prepare the lines of gpio-sim for `lines`
       outside.py gpio DIRECTORY READY ONE ZERO HIGH LOW EDGE
                                        when the file READY exists, check the lines that
                                        `lines` has set, and change the line EDGE
"""
import array
import ctypes
import fcntl
import math
import os
import pathlib
import select
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
IN_MODIFY, IN_CREATE = 0x2, 0x100
PERIOD = 1024  # bytes, as in pcm.c


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


def wait_for(path, size=0):
    """Wait for a file that has at least this size."""
    libc = ctypes.CDLL(None)
    end = time.monotonic() + PATIENCE
    with open(libc.inotify_init1(os.O_CLOEXEC), "rb", buffering=0) as events:
        libc.inotify_add_watch(events.fileno(), bytes(path.parent), IN_CREATE | IN_MODIFY)
        while not path.exists() or path.stat().st_size < size:
            if not select.select([events], [], [], max(0, end - time.monotonic()))[0]:
                raise SystemExit(f"{path} does not exist, or has less than {size} bytes")
            events.read(4096)


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


def tone(pitch, count, path):
    """A sine that rises, from a pitch in Hz: 8000 samples of 16 bits a second, one channel."""
    times = (i / 8000 for i in range(int(count) // 2))
    samples = (round(20000 * math.sin(2 * math.pi * (int(pitch) + 50 * t) * t)) for t in times)
    pathlib.Path(path).write_bytes(array.array("h", samples).tobytes())


def microphone(tone_path, count, fifo, path):
    """virtio_snd does not notice when the device fills a full buffer at once. So the next
    period is written when the inside has recorded the one before. The back end cannot stop a
    stream while it reads from the FIFO. So the FIFO is never empty after that."""
    data = pathlib.Path(tone_path).read_bytes()
    with open(fifo, "r+b", buffering=0) as file:
        for start in range(0, int(count), PERIOD):
            file.write(data[start:start + PERIOD])
            wait_for(pathlib.Path(path), start + PERIOD)
        while True:
            file.write(data)


def expect_sound(path, got, wanted):
    """All bytes are the same."""
    if got != wanted:
        same = next((i for i, pair in enumerate(zip(got, wanted)) if len(set(pair)) > 1), None)
        raise SystemExit(f"{path} has {len(got)} bytes instead of {len(wanted)}; the first "
                         f"wrong byte is {same}")


def played(tone_path, path):
    """The card has a file for each stream, and one stream has sound. The back end drops the
    last 4 bytes of each period: see Documentation/vhost.rst."""
    sent = pathlib.Path(tone_path).read_bytes()
    wanted = b"".join(sent[i:i + PERIOD - 4] for i in range(0, len(sent), PERIOD))
    path = pathlib.Path(path)
    got = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    expect_sound(path, b"".join(got), wanted)


def recorded(tone_path, count, path):
    """All bytes of the recording are from the back end's file."""
    wanted = pathlib.Path(tone_path).read_bytes()[:int(count)]
    expect_sound(path, pathlib.Path(path).read_bytes(), wanted)


def line(directory, number, name):
    """A file of gpio-sim about a line."""
    return pathlib.Path(directory, f"sim_gpio{number}", name)


def pull(directory, one, zero, high, low, edge):
    """Give each line the value that the inside does not set, or must read. The back end
    inverts what it reads: see Documentation/vhost.rst."""
    for number in (one, high, edge):
        line(directory, number, "pull").write_text("pull-down", encoding="ascii")
    for number in (zero, low):
        line(directory, number, "pull").write_text("pull-up", encoding="ascii")


def gpio(directory, ready, one, zero, _high, _low, edge):
    """The inside has set two lines, and waits for a change of another one."""
    wait_for(pathlib.Path(ready))
    values = [line(directory, number, "value").read_text(encoding="ascii")
              for number in (one, zero)]
    expect(values, ["1\n", "0\n"])
    line(directory, edge, "pull").write_text("pull-up", encoding="ascii")


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
        {"rng": rng, "vsock": vsock, "console": console, "input": keyboard, "can": can,
         "tone": tone, "sound": microphone, "played": played, "recorded": recorded, "pull": pull,
         "gpio": gpio}[what](*words)


main(*sys.argv[1:])
