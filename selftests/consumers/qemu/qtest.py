# SPDX-License-Identifier: GPL-2.0
"""Access the ports and the memory of a guest by QEMU's qtest protocol.

A test program does what firmware and drivers of the guest do. No guest system is needed.
"""

from qmp import LIMIT, Failure


class Guest:
    """A connection of QEMU's qtest protocol: one line for each command and each answer.

    It knows one PCI device, by its slot of the first bus.
    """

    def __init__(self, sock, slot):
        sock.settimeout(LIMIT)
        self.file = sock.makefile("rw")
        self.slot = slot

    def command(self, *words):
        self.file.write(" ".join(words) + "\n")
        self.file.flush()
        for line in self.file:
            answer = line.split()
            if answer[0] == "OK":
                return answer[1:]
            if answer[0] != "IRQ":
                break
        raise Failure(f"qtest: {words[0]} failed")

    def load(self, size, address):
        return int(self.command(f"read{size}", f"{address:#x}")[0], 16)

    def store(self, size, address, value):
        self.command(f"write{size}", f"{address:#x}", f"{value:#x}")

    def read(self, address, size):
        return bytes.fromhex(self.command("read", f"{address:#x}", f"{size:#x}")[0][2:])

    def write(self, address, data):
        self.command("write", f"{address:#x}", f"{len(data):#x}", "0x" + data.hex())

    def port(self, number):
        return int(self.command("inl", f"{number:#x}")[0], 16)

    def set_port(self, number, value):
        self.command("outl", f"{number:#x}", f"{value:#x}")

    def config(self, register):
        self.set_port(0xcf8, 0x80000000 | self.slot << 11 | register)
        return self.port(0xcfc)

    def set_config(self, register, value):
        self.set_port(0xcf8, 0x80000000 | self.slot << 11 | register)
        self.set_port(0xcfc, value)
