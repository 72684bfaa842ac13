# SPDX-License-Identifier: GPL-2.0
"""Debian's libvirt for the machines of the main lab: build/libvirt/files.tar.

The packages are installed by apt on the host, in a copy of the lab's root. The archive has the
files that this adds or changes. Installing the packages takes a few seconds on the host, and
minutes in an emulated machine.
"""
from pathlib import Path

from . import cache, download, kernels, lists, paths, process, root
from .entry import no_arguments
from .kernels import Kernel
from .message import Clock, say

FORMAT = 1
SCRIPT = paths.LAB / "libvirt-root/install"
OUT = paths.BUILD / "libvirt"


def directory(kernel: Kernel) -> Path:
    """The entry of the cache: it depends on the root, the packages and what the script does."""
    key = cache.key(FORMAT, root.directory(kernel).name, lists.packages("libvirt"),
                    lists.code(SCRIPT.read_text(encoding="utf-8")))
    return paths.CACHE / "libvirt" / f"libvirt-{key}"


def make(kernel: Kernel, new: Path) -> None:
    clock = Clock()
    status = root.of(kernel) / "root/var/lib/dpkg/status"
    say(f"fetching and installing libvirt; the log is {new / 'log'}")
    download.missing(kernel.release, lists.packages("libvirt"), status, new / "archives")
    process.logged(root.inside(kernel, [paths.inside(SCRIPT)], own=new), new / "log",
                   "the packages of libvirt do not install")
    cache.remove(new / "archives")
    say(f"libvirt is ready after {clock}")


def build() -> Path:
    """Put the archive into the build directory, which the machines see."""
    kernel = kernels.main_kernel()
    path = cache.held_entry(directory(kernel), lambda new: make(kernel, new))
    OUT.mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / "libvirt.lock"):
        process.run(["rsync", "-a", path / "files.tar", OUT])
    cache.sweep(path)
    return OUT / "files.tar"


def command(arguments: list[str]) -> None:
    """Print the path of the archive."""
    no_arguments(arguments)
    print(build())
