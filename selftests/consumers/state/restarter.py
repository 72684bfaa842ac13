#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Start a server again each time it is killed, as a service manager does, and kill it.

The socket is made here and passed on (LISTEN_FDS), so vuserd can connect while no server
runs. After a line on standard input, the server is killed KILLS times, at random times
while the device is in state "open". Then the program prints "N kills, median N ms, longest
N ms", the times from the kill to the state "open", and serves until its standard input is
closed.

usage: restarter.py KILLS MDEV SOCKET COMMAND...
"""
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

# The longest time from "open" to the next kill, in seconds.
GAP = 0.4
# The time in which the kernel notices that the server was killed.
NOTICE = 0.2
# The time limit of a restart, in seconds, with an emulated processor.
LIMIT = 120


class Server:
    """The server, and the sockets that survive it."""

    def __init__(self, path: str, command: list[str]) -> None:
        self.command = command
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(path).unlink(missing_ok=True)
        self.listener.bind(path)
        self.listener.listen()
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server with the socket as its file descriptor 3."""
        shell = 'exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        fd = self.listener.fileno()
        return subprocess.Popen(["bash", "-c", shell, "sh", str(fd), *self.command],
                                pass_fds=[fd])

    def kill(self) -> None:
        """Kill the server, and start it again."""
        if self.process.poll() is not None:
            raise SystemExit(f"the server has ended: {self.process.returncode}")
        self.process.kill()
        self.process.wait()
        self.process = self.start()

    def end(self) -> None:
        """End the server."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def wait_open(state: Path) -> None:
    """Wait until the device is in state "open"."""
    deadline = time.monotonic() + LIMIT
    while state.read_text().strip() != "open":
        if time.monotonic() > deadline:
            raise SystemExit(f"the device is still {state.read_text().strip()}")
        time.sleep(0.002)


def wait_lost(state: Path) -> None:
    """Wait until the kernel has noticed the kill, or the restart is over already."""
    deadline = time.monotonic() + NOTICE
    while state.read_text().strip() == "open" and time.monotonic() < deadline:
        pass


def main() -> None:
    """Kill the server and start it again."""
    kills, mdev, path, command = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
    state = mdev / "vuser" / "state"
    server = Server(path, command)
    dice = random.Random(int(os.environ.get("VUSER_SEED", "1")))
    times = []
    try:
        sys.stdin.readline()
        wait_open(state)
        for _ in range(kills):
            time.sleep(dice.uniform(0, GAP))
            begin = time.monotonic()
            server.kill()
            wait_lost(state)
            wait_open(state)
            times.append((time.monotonic() - begin) * 1000)
        if times:
            print(f"{kills} kills, median {statistics.median(times):.0f} ms, "
                  f"longest {max(times):.0f} ms", flush=True)
        sys.stdin.read()
    finally:
        server.end()


main()
