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
import subprocess
import sys
import time
from collections import Counter

# The longest time between two faults, and of a stop, in seconds.
GAP = 4
STOP = 2


def main() -> None:
    """Do as standard input says."""
    dice = random.Random(int(os.environ.get("VUSER_SEED", "1")))
    done: Counter[str] = Counter()
    faults, *command = sys.argv[1:]
    vuserd = subprocess.Popen(command)
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
            vuserd = subprocess.Popen(command)
        sys.stdin.readline()
        print(json.dumps({"faults": done}), flush=True)
        sys.stdin.readline()
    finally:
        vuserd.terminate()
        vuserd.wait()


main()
