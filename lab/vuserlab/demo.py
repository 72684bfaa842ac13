# SPDX-License-Identifier: GPL-2.0
"""From nothing to an unmodified consumer on devices that other processes serve.

Each demo sets everything up, builds, boots a machine of the main lab, and runs a program
in selftests/consumers in it, which ends with a summary.
"""
import sys

from . import image, kernels, machine, paths, process, qemu
from .entry import no_arguments
from .message import Clock

LIMIT = 1200  # seconds
HUGEPAGES = 256
PARTS = ("kmod", "user")


class Demo:
    """One demo; it prints its steps with the time, and keeps the output of others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.clock = Clock()
        self.log = paths.BUILD / f"{name}.log"
        paths.BUILD.mkdir(exist_ok=True)
        self.log.write_bytes(b"")

    def step(self, text: str, *words: str) -> None:
        print(f"[{self.clock.seconds():4} s] {text}", flush=True)
        if words:
            process.logged([sys.executable, paths.LAB / words[0], *words[1:]], self.log,
                           f"lab/{' '.join(words)} failed", lines=40)

    def prepare(self) -> None:
        kernel = kernels.main_kernel()
        self.step("packages that the host lacks (mmdebstrap, erofs-utils, ...)", "host")
        self.step("a root file system of Debian packages (about two minutes the first "
                  "time)", "image", kernel.name)
        self.step("vuser.ko, vuserd, vuserctl, vuser-ioat and vuser-vhost for it", "build",
                  kernel.name, *PARTS)

    def qemu_server(self) -> None:
        self.step("QEMU's vfio-user server, from Debian's source package (up to ten minutes "
                  "the first time)", "qemu-server")

    def run(self, program: str) -> int:
        kernel = kernels.main_kernel()
        release = (image.of(kernel) / "release").read_text().strip()
        self.step(f"a virtual machine with {release}")
        one = machine.Machine(kernel, self.name)
        one.start(qemu.settings(hugepages=HUGEPAGES))
        try:
            self.step("in the machine:")
            return one.execute([program], timeout=LIMIT)
        finally:
            one.stop()


def main(arguments: list[str]) -> int:
    """`make demo`: devices of vuser's own servers."""
    no_arguments(arguments)
    process.need_root()
    demo = Demo("demo")
    demo.prepare()
    return demo.run("selftests/consumers/demo.sh")


def qemu_main(arguments: list[str]) -> int:
    """`make demo-qemu`: a network card of QEMU."""
    no_arguments(arguments)
    process.need_root()
    demo = Demo("demo-qemu")
    demo.prepare()
    demo.qemu_server()
    return demo.run("selftests/consumers/qemu-server/demo.py")


def linux_main(arguments: list[str]) -> int:
    """`make demo-linux`: Linux's own drivers, in User-Mode Linux."""
    no_arguments(arguments)
    process.need_root()
    demo = Demo("demo-linux")
    demo.prepare()
    demo.qemu_server()
    demo.step("User-Mode Linux, from Debian's package of kernel sources (about five minutes "
              "the first time, and a root file system to build it)", "uml")
    return demo.run("selftests/consumers/uml/demo.sh")
