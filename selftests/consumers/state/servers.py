# SPDX-License-Identifier: GPL-2.0
"""Servers whose socket survives them, as a service manager starts them (LISTEN_FDS)."""
import os
import socket
import subprocess
import time
from collections.abc import Container
from pathlib import Path

# The time in which the kernel notices that a server was killed.
NOTICE = 0.2
# The time limit of a restart, in seconds, with an emulated processor.
LIMIT = 120 * int(os.environ.get("VUSER_SLOWNESS", "1"))


class Server:
    """A server, and its socket, with which vuserd can connect while no server runs."""

    def __init__(self, path: str, command: list[str]) -> None:
        self.path = path
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

    def check(self) -> None:
        """Raise an exception if the server has ended by itself."""
        if self.process.poll() is not None:
            raise SystemExit(f"the server has ended: {self.process.returncode}")

    def kill(self) -> None:
        """Kill the server, and start it again."""
        self.check()
        self.process.kill()
        self.process.wait()
        self.process = self.start()

    def end(self) -> None:
        """End the server, and close its socket."""
        self.process.terminate()
        self.process.wait()
        self.listener.close()
        Path(self.path).unlink(missing_ok=True)


def wait_state(state: Path, wanted: Container[str]) -> None:
    """Wait until the device is in one of the states."""
    deadline = time.monotonic() + LIMIT
    while (now := state.read_text().strip()) not in wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"the device is still {now}")
        time.sleep(0.002)


def wait_lost(state: Path) -> None:
    """Wait until the kernel has noticed the kill, or the restart is over already."""
    deadline = time.monotonic() + NOTICE
    while state.read_text().strip() == "open" and time.monotonic() < deadline:
        pass
