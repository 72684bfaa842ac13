#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Start a server again each time it is killed, as a service manager does, and kill it.

After a line on standard input, the server is killed KILLS times, at random times
while the device is in state "open". Then the program prints "N kills, median N ms, longest
N ms", the times from the kill to the state "open", and serves until its standard input is
closed.

usage: restarter.py KILLS MDEV SOCKET COMMAND...
"""
import os
import random
import statistics
import sys
import time
from pathlib import Path

from servers import Server, wait_lost, wait_state

# The longest time from "open" to the next kill, in seconds.
GAP = 0.4


def main() -> None:
    """Kill the server and start it again."""
    kills, mdev, path, command = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
    state = mdev / "vuser" / "state"
    server = Server(path, command)
    dice = random.Random(int(os.environ.get("VUSER_SEED", "1")))
    times = []
    try:
        sys.stdin.readline()
        wait_state(state, ["open"])
        for _ in range(kills):
            time.sleep(dice.uniform(0, GAP))
            begin = time.monotonic()
            server.kill()
            wait_lost(state)
            wait_state(state, ["open"])
            times.append((time.monotonic() - begin) * 1000)
        if times:
            print(f"{kills} kills, median {statistics.median(times):.0f} ms, "
                  f"longest {max(times):.0f} ms", flush=True)
        sys.stdin.read()
    finally:
        server.end()


main()
