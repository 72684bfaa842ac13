# SPDX-License-Identifier: GPL-2.0
"""QEMU as a vfio-user server of one of its device models, and a vuser device for it."""

import json
import os
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(HERE, "../vhost"))

# pylint: disable=wrong-import-position
from tap import SOON, Failure, require, run

PROGRAM = os.environ.get("VUSER_QEMU_SERVER") or os.path.join(
    TOP, "build/qemu-server/qemu-system-x86_64")


def server_argv(device, sock, options):
    """The words that serve a device, "MODEL,PROPERTY=VALUE,...". The machine has no
    processor and runs no guest."""
    return [PROGRAM, "-L", "/usr/share/qemu", "-nodefaults", "-display", "none",
            "-machine", "x-remote,vfio-user=on,auto-shutdown=off", *options,
            "-device", f"{device},id=card",
            "-object", f"x-vfio-user-server,id=server,type=unix,path={sock},device=card"]


class Server:
    """A server and its device. It listens when the constructor returns."""

    def __init__(self, work, name, device, *options):
        self.name = name
        self.socket = os.path.join(work, f"{name}.sock")
        self.uuid = self.bdf = None
        self.argv = server_argv(device, self.socket, options)
        self.log = os.path.join(work, f"{name}.log")
        self.start()

    def start(self):
        self.monitor, theirs = socket.socketpair()
        self.monitor.settimeout(SOON)
        with open(self.log, "ab") as log, theirs:
            fd = theirs.fileno()
            self.process = subprocess.Popen(
                [*self.argv, "-chardev", f"socket,id=monitor,fd={fd}",
                 "-mon", "chardev=monitor,mode=control"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[fd])
        self.answers = self.monitor.makefile("r", encoding="utf-8")
        # QEMU answers its first command when the machine is complete. By then the
        # server's socket exists.
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        """Execute a command of QEMU's monitor and return its result."""
        text = json.dumps({"execute": command, "arguments": arguments})
        try:
            self.monitor.sendall(text.encode())
            for line in self.answers:
                answer = json.loads(line)
                if "error" in answer:
                    raise Failure(f"{self.name}: {command}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        except OSError as error:
            raise Failure(f"{self.name}: {command}: {error}") from error
        raise Failure(f"{self.name}: {command}: QEMU has ended")

    def create(self):
        """Create the vuser device and wait until it is attached."""
        self.uuid = run("vuserctl", "create", "--wait", "--endpoint", self.socket).strip()
        with open(f"/sys/bus/mdev/devices/{self.uuid}/vuser/pci_address",
                  encoding="ascii") as file:
            self.bdf = file.read().strip()

    def show(self):
        return json.loads(run("vuserctl", "-j", "show", self.uuid))

    def remove(self):
        """Remove the device. The server must survive this."""
        run("vuserctl", "remove", self.uuid)
        self.uuid = None
        self.execute("query-status")

    def stop(self):
        """End the server by its monitor, so that it completes the image of its disk."""
        self.execute("quit")
        require(self.process.wait(SOON) == 0, f"{self.name} ended with an error")

    def restart(self):
        """Kill the server and start it again at the same socket."""
        self.process.kill()
        self.process.wait()
        os.unlink(self.socket)
        self.start()

    def clean_up(self):
        if self.uuid:
            subprocess.run(["vuserctl", "remove", self.uuid], check=False)
        self.process.kill()
        self.process.wait()
