# SPDX-License-Identifier: GPL-2.0
"""QEMU's machine protocol (QMP): one answer for each command, and events."""

import json
import socket

# In seconds; emulation inside emulation is slow.
LIMIT = 300


class Failure(Exception):
    """A failed check, with a text for the user."""


def listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.settimeout(LIMIT)
    server.bind(path)
    server.listen(1)
    return server


class Monitor:
    """A connection of QEMU to our socket."""

    def __init__(self, server):
        self.sock = server.accept()[0]
        self.sock.settimeout(LIMIT)
        self.file = self.sock.makefile("rw")
        self.events = []
        self.receive("QMP")
        self.command("qmp_capabilities")

    def receive(self, *keys):
        """Return the next message with one of the keys; keep the events before it."""
        for line in self.file:
            message = json.loads(line)
            if any(key in message for key in keys):
                return message
            self.events.append(message)
        raise Failure("QEMU closed its monitor")

    def command(self, name, **arguments):
        json.dump({"execute": name, "arguments": arguments}, self.file)
        self.file.write("\n")
        self.file.flush()
        message = self.receive("return", "error")
        if "error" in message:
            raise Failure(f"{name}: {message['error']['desc']}")
        return message["return"]

    def wait_event(self, name, **data):
        """Wait for an event, which may have come before the answer to a command."""
        while True:
            for message in self.events:
                if message["event"] == name and data.items() <= message["data"].items():
                    self.events.remove(message)
                    return
            self.events.append(self.receive("event"))


def start(qemu, server):
    """Return the monitor of a QEMU that connects to a socket."""
    # If QEMU ends early, accept() does not return: check for its end.
    server.settimeout(1)
    while True:
        try:
            return Monitor(server)
        except socket.timeout:
            if qemu.poll() is not None:
                raise Failure("QEMU did not start") from None
