#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Fill the sockets that listen to changes of generic netlink families.

usage: netlink_flood.py PID

Sends to their multicast group until a socket of process PID has lost a message.
Process PID must not read meanwhile. Needs root.
"""
import os
import re
import socket
import struct
import sys

NETLINK_GENERIC = 16
NLMSG_NOOP = 1
# The kernel's number of the controller's group "notify".
NOTIFY_GROUP = 16
LIMIT = 100000


def sockets_of(pid):
    """Return the inodes of all sockets of a process."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        match = re.match(r"socket:\[(\d+)\]",
                         os.readlink(f"/proc/{pid}/fd/{fd}"))
        if match:
            found.add(match[1])
    return found


def drops(inodes):
    """Return the number of messages that these netlink sockets have lost."""
    lost = 0
    with open("/proc/net/netlink", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                lost += int(words[8])
    return lost


def main(pid):
    inodes = sockets_of(pid)
    before = drops(inodes)
    message = struct.pack("=IHHII", 16 + 1024, NLMSG_NOOP, 0, 0, 0)
    message += bytes(1024)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_GENERIC) as sender:
        sender.bind((0, 0))
        for _ in range(LIMIT):
            try:
                sender.sendto(message, (0, 1 << (NOTIFY_GROUP - 1)))
            except OSError:
                # The socket of a listener is full, which is the purpose.
                pass
            if drops(inodes) > before:
                return 0
    return 1


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(int(sys.argv[1])))
