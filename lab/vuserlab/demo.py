# SPDX-License-Identifier: GPL-2.0
"""From nothing to an unmodified DPDK on devices that other processes serve.

It sets everything up, builds, boots a machine of the main lab, and runs
selftests/consumers/demo.sh in it, which ends with a summary.
"""
import sys

from . import image, kernels, machine, paths, process, qemu
from .entry import no_arguments
from .message import Clock

LIMIT = 1200  # seconds
HUGEPAGES = 256
PARTS = ("kmod", "user")


def main(arguments: list[str]) -> int:
    no_arguments(arguments)
    process.need_root()
    kernel = kernels.main_kernel()
    clock = Clock()
    log = paths.BUILD / "demo.log"
    paths.BUILD.mkdir(exist_ok=True)
    log.write_bytes(b"")

    def step(text: str, *words: str) -> None:
        print(f"[{clock.seconds():4} s] {text}", flush=True)
        if words:
            process.logged([sys.executable, paths.LAB / words[0], *words[1:]], log,
                           f"lab/{' '.join(words)} failed", lines=40)

    step("packages that the host lacks (mmdebstrap, erofs-utils, ...)", "host")
    step("a root file system of Debian packages (about two minutes the first time)",
         "image", kernel.name)
    step("vuser.ko, vuserd, vuserctl, vuser-ioat and vuser-vhost for it", "build",
         kernel.name, *PARTS)
    step(f"a virtual machine with {(image.of(kernel) / 'release').read_text().strip()}")
    one = machine.Machine(kernel, "demo")
    one.start(qemu.settings(hugepages=HUGEPAGES))
    try:
        step("in the machine:")
        return one.execute(["selftests/consumers/demo.sh"], timeout=LIMIT)
    finally:
        one.stop()
