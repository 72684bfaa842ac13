#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run vuserd, and kill, stop and upgrade it at random.

Reads lines from standard input as soaker.py. An upgrade is an end by SIGTERM, after which
another vuserd is started.

usage: helper.py FAULT[,FAULT]... COMMAND...
  FAULT  kill, stop, upgrade; or none: nothing happens to vuserd
"""
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter

# The longest time between two faults, and of a stop, and of a start, in seconds. Between two
# faults, vuserd must have the time to connect to a server.
SLOWNESS = int(os.environ.get("VUSER_SLOWNESS", "1"))
GAP = 4 * SLOWNESS
STOP = 2
LIMIT = 120 * SLOWNESS


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start vuserd, and wait until it is ready, as systemd does."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(path)
            ready.settimeout(LIMIT)
            vuserd = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path})
            while b"READY=1" not in ready.recv(4096).split(b"\n"):
                pass
    return vuserd


def main() -> None:
    """Do as standard input says."""
    dice = random.Random(int(os.environ.get("VUSER_SEED", "1")))
    done: Counter[str] = Counter()
    faults, *command = sys.argv[1:]
    vuserd = start(command)
    try:
        sys.stdin.readline()
        while not select.select([sys.stdin], [], [], dice.uniform(0, GAP))[0]:
            if vuserd.poll() is not None:
                raise SystemExit(f"vuserd has ended: {vuserd.returncode}")
            fault = dice.choice(faults.split(","))
            if fault == "none":
                continue
            done[fault] += 1
            if fault == "stop":
                vuserd.send_signal(signal.SIGSTOP)
                time.sleep(dice.uniform(0, STOP))
                vuserd.send_signal(signal.SIGCONT)
                continue
            vuserd.send_signal(signal.SIGKILL if fault == "kill" else signal.SIGTERM)
            vuserd.wait()
            vuserd = start(command)
        sys.stdin.readline()
        print(json.dumps({"faults": done}), flush=True)
        sys.stdin.readline()
    finally:
        vuserd.terminate()
        vuserd.wait()


main()
