# SPDX-License-Identifier: GPL-2.0
"""The kernel sources that we use: VFIO selftests, checkpatch.pl, the netlink tools."""
from pathlib import Path

from . import cache, download, kernels, paths, process
from .entry import no_arguments
from .kernels import Source
from .message import Clock, say

FORMAT = 1

# What make headers, the VFIO selftests, checkpatch and the netlink tools need.
PARTS = [
    "Makefile", "Kbuild", "Kconfig", "COPYING", "LICENSES", "scripts", "include/uapi",
    "include/asm-generic", "include/linux/kconfig.h", "include/linux/pci_ids.h",
    "arch/x86/Makefile", "arch/x86/Makefile_32.cpu", "arch/x86/include",
    "arch/x86/entry/syscalls", "arch/x86/tools", "tools/include", "tools/scripts",
    "tools/build", "tools/arch/x86", "tools/net/ynl", "tools/lib",
    "tools/testing/selftests/lib.mk", "tools/testing/selftests/kselftest",
    "tools/testing/selftests/vfio", "drivers/dma/ioat", "drivers/dma/idxd",
    "Documentation/netlink", "tools/testing/selftests/*.h",
]


def unpack(source: Source, scratch: Path, target: Path, parts: list[str]) -> None:
    """Download the package of the sources and unpack parts of it; no parts: all."""
    say(f"fetching the sources of Linux {source.series}")
    scratch.mkdir()
    target.mkdir()
    package = download.package(source.release, source.package, scratch)
    name = source.package
    process.pipe(
        ["dpkg-deb", "--fsys-tarfile", package],
        ["tar", "-xO", "--wildcards", f"./usr/src/{name}.tar.*"],
        ["xz", "-dc", "-T0"],
        ["tar", "-x", "-C", target, "--strip-components=1", "--wildcards",
         "--no-wildcards-match-slash", *(f"{name}/{part}" for part in parts)])
    cache.remove(scratch)


def directory() -> Path:
    source = kernels.load().source
    key = cache.key(FORMAT, source.package, source.release, PARTS)
    return paths.CACHE / "sources" / f"{source.series}-{key}" / "tree"


def make(new: Path) -> None:
    clock = Clock()
    source = kernels.load().source
    unpack(source, new / "deb", new / "tree", PARTS)
    say(f"the sources of Linux {source.series} are there after {clock}")


def hold() -> Path | None:
    """The directory of the sources where they were made before; it is held."""
    return directory() if cache.hold(directory().parent) else None


def of() -> Path:
    """The directory of the sources, which is held and made where it is missing."""
    cache.held_entry(directory().parent, make)
    return directory()


def command(arguments: list[str]) -> None:
    """Print the directory of the sources."""
    no_arguments(arguments)
    print(of())
