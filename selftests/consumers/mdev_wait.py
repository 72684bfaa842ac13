#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Wait until an attribute of a vuser device reads a value.

usage: mdev_wait.py UUID ATTRIBUTE VALUE SECONDS

Exits with 0 when it does. After SECONDS, prints the present value and exits with 1.
"""

import select
import sys
import time


def main(uuid, attribute, value, seconds):
    directory = f"/sys/bus/mdev/devices/{uuid}/vuser"
    end = time.monotonic() + float(seconds)
    with open(f"{directory}/{attribute}", encoding="utf-8") as file:
        poll = select.poll()
        poll.register(file, select.POLLPRI | select.POLLERR)
        # Read first: a change before the first read does not wake poll().
        while True:
            file.seek(0)
            seen = file.read().strip()
            left = end - time.monotonic()
            if seen == value or left <= 0:
                break
            poll.poll(left * 1000)
    if seen == value:
        return
    with open(f"{directory}/error", encoding="utf-8") as file:
        error = file.read().strip()
    sys.exit(f"mdev_wait.py: {attribute} is '{seen}', not '{value}'"
             + (f": {error}" if error else ""))


if len(sys.argv) != 5:
    sys.exit(__doc__)
main(*sys.argv[1:])
