#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run a program that says READY=1 as systemd's services do (sd_notify).

usage: notify.py FIFO PROGRAM [ARGUMENT...]

Becomes PROGRAM, so that the caller has its process id.  Another process
writes "ready" to FIFO when PROGRAM is, or "ended" when it ended before.
"""

import os
import select
import socket
import sys
import tempfile


def watch(sock, pid, fifo):
    """Wait for the word of process @pid, or for its end."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    word = None
    while not word:
        fds = [fd for fd, _ in poll.poll()]
        if sock.fileno() in fds:
            if b"READY=1" in sock.recv(4096):
                word = "ready"
        elif pidfd in fds:
            word = "ended"
    with open(fifo, "w", encoding="ascii") as file:
        print(word, file=file)


def main():
    fifo, program = sys.argv[1], sys.argv[2:]
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, "notify")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    pid = os.getpid()
    # Forked twice: PROGRAM must not find a child that it does not know of.
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            watch(sock, pid, fifo)
            os.unlink(path)
            os.rmdir(directory)
        os._exit(0)
    os.waitpid(child, 0)
    sock.close()
    os.environ["NOTIFY_SOCKET"] = path
    os.execvp(program[0], program)


main()
