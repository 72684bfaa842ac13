# SPDX-License-Identifier: GPL-2.0
"""User-Mode Linux, a Linux kernel that is a process, from Debian's package of kernel sources.

Its VFIO driver gives PCI devices to Linux's own drivers. lab/vm/uml starts it in a machine.
Building takes five minutes on two cores, once.
"""
import shutil
from pathlib import Path

from . import cache, debugkernel, kernels, lists, paths, process, root, source
from .entry import no_arguments
from .kernels import Kernel
from .message import Clock, LabError, say

FORMAT = 1
FILES = paths.LAB / "uml-kernel"
OUT = paths.BUILD / "uml"


def builder() -> Kernel:
    """The lab whose root has what builds a kernel."""
    return kernels.load().capable("kernel-build")


def version(kernel: Kernel) -> str:
    """The version of the C library of a root, which the program is linked to."""
    base = root.of(kernel)
    return process.output(["dpkg-query", f"--admindir={base}/root/var/lib/dpkg", "-W",
                           "-f", "${Version}", "libc6"])


def wanted() -> list[str]:
    return debugkernel.options((FILES / "config").read_text(encoding="utf-8"))


def directory() -> Path:
    names = kernels.load().source
    key = cache.key(FORMAT, names.package, names.release, version(builder()), wanted(),
                    lists.code((FILES / "build").read_text(encoding="utf-8")))
    return paths.CACHE / "uml" / f"uml-{key}"


def make(new: Path) -> None:
    clock = Clock()
    log = new / "log"
    source.unpack(kernels.load().source, new / "deb", new / "source", [])
    (new / "config").write_text("\n".join(wanted()) + "\n")
    say(f"building User-Mode Linux; the log is {log}")

    def step(name: str) -> None:
        process.logged(["nice", *root.inside(builder(), ["lab/uml-kernel/build", name],
                                             own=new)],
                       log, "User-Mode Linux does not build")

    step("configure")
    missing = debugkernel.lost(wanted(), (new / "build/.config").read_text(encoding="utf-8"))
    if missing:
        raise LabError("the configuration that make wrote lacks: " + ", ".join(missing))
    step("build")
    for name in ("build", "source"):
        cache.remove(new / name)
    say(f"User-Mode Linux is ready after {clock}")


def build() -> Path:
    """Put the program into the build directory, which the machines see."""
    path = cache.held_entry(directory(), make)
    OUT.mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / "uml.lock"):
        new = OUT / "linux.new"
        shutil.copy2(path / "linux", new)
        new.rename(OUT / "linux")
    cache.sweep(path)
    return OUT / "linux"


def command(arguments: list[str]) -> None:
    """Print the path of the program."""
    no_arguments(arguments)
    print(build())
