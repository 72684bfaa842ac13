#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A device that counts. usage: counter.py SOCKET

BAR 0:  0h  VALUE  rw  the value
        4h  ADD    wo  add to the value; at 100, subtract 100 and fire MSI-X vector 0
"""
import sys

import vuser


class Counter(vuser.Device):
    device = 3
    bars = {0: vuser.Bar(4096)}
    msix = 1
    value = 0

    def read(self, bar, offset, size):
        return self.value if offset == 0 else 0

    def write(self, bar, offset, size, value):
        self.value = self.value + value if offset == 4 else value
        if self.value >= 100:
            self.value -= 100
            self.fire(0)


if __name__ == "__main__":
    Counter().serve(sys.argv[1])
