#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Kill, stop and replace the server of a device at random, while a consumer uses it.

The server keeps its state. In COMMAND, {n} is 0 or 1, the number of the server: each has
its own state file {state}, its own socket {socket} and, with a back end, its own socket of
the back end.

Reads lines from standard input: after "go" the faults begin; after "stop" they end, and
one line of JSON has their numbers. The server serves until the end of the input.

usage: soaker.py UUID NAME DIRECTORY FAULT[,FAULT]... COMMAND...
  NAME   of the device, for other choices than those of other devices
  FAULT  kill:     the server is killed and started again
         stop:     the server is stopped (SIGSTOP) for up to twice request_timeout_ms
         replace:  vuserctl replace, with a new server
"""
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "state"))
# pylint: disable-next=wrong-import-position
from servers import Server, wait_lost, wait_state  # noqa: E402

# The longest time between two faults, in seconds.
GAP = 0.4
MDEVS = Path("/sys/bus/mdev/devices")


class Device:
    """A device with its server, and what was done to it."""

    def __init__(self, uuid: str, name: str, directory: str, command: list[str]) -> None:
        self.uuid = uuid
        self.directory = Path(directory)
        self.command = command
        self.settings = MDEVS / uuid / "vuser"
        self.dice = random.Random(os.environ.get("VUSER_SEED", "1") + name)
        self.number = 0
        self.server = self.serve()
        self.done: Counter[str] = Counter()
        self.longest: Counter[str] = Counter()

    def state_file(self) -> Path:
        """The state file of the server."""
        return self.directory / f"{self.uuid}.{self.number}.state"

    def serve(self) -> Server:
        """Start a server."""
        path = str(self.directory / f"{self.uuid}.{self.number}.sock")
        words = [word.format(n=self.number, state=self.state_file(), socket=path)
                 for word in self.command]
        return Server(path, words)

    def wait(self) -> None:
        """Wait until the server serves the device. The consumer may have closed it."""
        wait_state(self.settings / "state", ["open", "attached"])

    def did(self, fault: str, seconds: float) -> None:
        """Note a fault, and how long accesses waited for its end."""
        self.done[fault] += 1
        self.longest[fault] = max(self.longest[fault], round(seconds * 1000))

    def kill(self) -> None:
        """Kill the server, and start it again."""
        begin = time.monotonic()
        self.server.kill()
        wait_lost(self.settings / "state")
        self.wait()
        self.did("kill", time.monotonic() - begin)

    def stop(self) -> None:
        """Stop the server; if that takes too long, the device is lost until it goes on."""
        limit = int((self.settings / "request_timeout_ms").read_text()) / 1000
        begin = time.monotonic()
        self.server.process.send_signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0, 2 * limit))
        lost = (self.settings / "state").read_text().strip() == "lost"
        self.server.process.send_signal(signal.SIGCONT)
        self.wait()
        self.did("stop and loss" if lost else "stop", time.monotonic() - begin)

    def replace(self) -> None:
        """Replace the server. The old one goes on if the consumer closes the device."""
        before, file_before, number_before = self.server, self.state_file(), self.number
        self.number = 1 - self.number
        self.server = self.serve()
        result = subprocess.run(["vuserctl", "replace", self.uuid, self.server.path],
                                check=False, capture_output=True, text=True)
        waited = re.search(r"accesses waited ([\d.]+) ms", result.stdout)
        if waited:
            self.did("replace", float(waited[1]) / 1000)
            before.end()
            file_before.unlink(missing_ok=True)
        else:
            self.server.end()
            self.state_file().unlink(missing_ok=True)
            self.server, self.number = before, number_before
            closed = re.search(r"not open|being closed|has closed the device", result.stderr)
            self.did("replace while closed" if closed else "replace failed", 0)
            print(result.stderr, file=sys.stderr, flush=True)
        self.wait()


def main() -> None:
    """Do as standard input says."""
    uuid, name, directory, faults, *command = sys.argv[1:]
    device = Device(uuid, name, directory, command)
    try:
        sys.stdin.readline()
        while not select.select([sys.stdin], [], [], device.dice.uniform(0, GAP))[0]:
            device.server.check()
            if (device.settings / "state").read_text().strip() == "open":
                getattr(device, device.dice.choice(faults.split(",")))()
        sys.stdin.readline()
        print(json.dumps({"faults": device.done, "longest_ms": device.longest}), flush=True)
        sys.stdin.read()
    finally:
        device.server.end()


main()
