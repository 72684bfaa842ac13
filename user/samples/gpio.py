#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The device of gpio.c, in Python. usage: gpio.py SOCKET"""

import struct
import sys

import vuser

OUT, IN, CHANGED, ENABLE, ADDRESS, ADDRESS_HIGH, PLAY = range(0, 28, 4)


class Gpio(vuser.Device):
    device = 2
    bars = {0: vuser.Bar(4096)}
    intx = True

    def reset(self):
        self.regs = dict.fromkeys(range(0, 28, 4), 0) | {IN: 0xffffffff}

    def read(self, bar, offset, size):
        return self.regs.get(offset, 0)

    def write(self, bar, offset, size, value):
        if offset == OUT:
            self.set_pins(value)
        elif offset == CHANGED:
            self.regs[CHANGED] &= ~value
            if not self.regs[CHANGED] & self.regs[ENABLE]:
                self.clear()
        elif offset == PLAY:
            self.play(value)
        elif offset in (ENABLE, ADDRESS, ADDRESS_HIGH):
            self.regs[offset] = value

    def set_pins(self, out):
        changed = ~out & 0xffffffff ^ self.regs[IN]
        self.regs |= {OUT: out, IN: ~out & 0xffffffff,
                      CHANGED: self.regs[CHANGED] | changed}
        if changed & self.regs[ENABLE]:
            self.fire()

    def play(self, count):
        iova = self.regs[ADDRESS] | self.regs[ADDRESS_HIGH] << 32
        self.regs[PLAY] = 0
        while self.bus_master and self.regs[PLAY] < count:
            self.set_pins(*struct.unpack("<I", self.dma_read(iova, 4)))
            self.dma_write(iova, struct.pack("<I", self.regs[IN]))
            self.regs[PLAY] += 1
            iova += 4


device = Gpio()
device.reset()
device.serve(sys.argv[1])
