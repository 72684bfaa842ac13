#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Kill, stop and replace the server of a device at random, while a consumer uses it.

The server keeps its state. In COMMAND, {n} is 0 or 1, the number of the server: each has
its own state file {state}, its own socket {socket} and, with a back end, its own socket of
the back end.

Reads lines from standard input: after "go" the faults begin; after "stop" they end, and
one line of JSON has their numbers. The server ends after "end".

usage: soaker.py UUID NAME DIRECTORY FAULT[,FAULT]... COMMAND...
  NAME   of the device, for other choices than those of other devices
  FAULT  kill:     the server is killed and started again
         stop:     the server is stopped (SIGSTOP) for up to twice request_timeout_ms
         replace:  vuserctl replace, with a new server
"""
import errno
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
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "state"))
# pylint: disable-next=wrong-import-position
from servers import LIMIT, Server, wait_lost, wait_state  # noqa: E402

# The longest time between two faults, in seconds.
GAP = 0.4
# The new server did not get a message or answer in time, since vuserd was stopped or killed,
# or the machine is slow.
TIMED_OUT = rf"\(-{errno.ETIMEDOUT}\)|did not (reply|respond) within"
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

    def replaced(self, path: str) -> dict[str, Any]:
        """Ask for the server at PATH, and wait for the result also while no vuserd runs."""
        asked = subprocess.run(["vuserctl", "replace", self.uuid, path],
                               check=False, capture_output=True, text=True)
        deadline = time.monotonic() + LIMIT
        while True:
            show = subprocess.run(["vuserctl", "-j", "show", self.uuid],
                                  check=True, capture_output=True, text=True)
            shown = json.loads(show.stdout)
            result = shown[0] if isinstance(shown, list) else shown
            if result["replacing"] != "pending":
                return {"why": asked.stderr, **result}
            if time.monotonic() > deadline:
                raise SystemExit("the replacement does not end")
            time.sleep(0.1)

    def replace(self) -> None:
        """Replace the server. The old one goes on if the consumer closes the device."""
        before, file_before, number_before = self.server, self.state_file(), self.number
        self.number = 1 - self.number
        self.server = self.serve()
        result = self.replaced(self.server.path)
        if result["endpoint"] == self.server.path:
            self.did("replace", result.get("replace-pause-us", 0) / 1e6)
            before.end()
            file_before.unlink(missing_ok=True)
        else:
            self.server.end()
            self.state_file().unlink(missing_ok=True)
            self.server, self.number = before, number_before
            why = result.get("replace-error", "") + result["why"]
            closed = (result["replacing"] == "none" or
                      re.search(r"not open|being closed|closed the device", why))
            self.did("replace while closed" if closed else
                     "replace timed out" if re.search(TIMED_OUT, why) else "replace failed", 0)
            print(why, file=sys.stderr, flush=True)
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
        sys.stdin.readline()
    finally:
        device.server.end()


main()
