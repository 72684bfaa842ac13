# SPDX-License-Identifier: GPL-2.0
"""The root file systems of the labs: DIRECTORY/root, made of Debian packages."""
import os
import shlex
import sys
from pathlib import Path
from typing import Sequence

from . import cache, host, kernels, lists, mmdebstrap, paths, process
from .entry import Usage
from .kernels import Kernel
from .message import Clock, LabError, say

FORMAT = 1

# The machines need no documentation and few drivers. Without the rest, a root takes half
# of the time and half of the space. DRIVERS are left out unless the table names them.
LEFT_OUT = [
    "/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale",
    "/usr/share/qemu/edk2-a*", "/usr/share/dpdk/doc",
    "/usr/lib/modules/*/kernel/sound", "/usr/lib/modules/*/kernel/net/wireless",
]
DRIVERS = ["gpu", "media", "infiniband", "staging", "iio", "isdn", "scsi", "usb", "md",
           "target", "mtd", "hwmon", "platform", "net/ethernet", "net/wireless", "net/usb",
           "net/can", "net/wwan"]
# The distribution's initramfs is not needed: image makes one.
NO_INITRAMFS = "/etc/kernel/postinst.d/initramfs-tools"


def packages(kernel: Kernel) -> list[str]:
    return sorted({*lists.packages("common"), *kernel.packages})


def left_out(kernel: Kernel) -> list[str]:
    """The paths that the root of a kernel does not have."""
    return LEFT_OUT + [f"/usr/lib/modules/*/kernel/drivers/{name}" for name in DRIVERS
                       if name not in kernel.drivers]


def directory(kernel: Kernel) -> Path:
    """Where the root of the present inputs is, or will be."""
    key = cache.key(FORMAT, kernel.release, packages(kernel), kernel.backports,
                    left_out(kernel))
    return paths.CACHE / "roots" / f"{kernel.name}-{key}"


def excludes(kernel: Kernel) -> list[str]:
    """dpkg's options for what is left out, by both names of merged directories."""
    names = [name for path in left_out(kernel) for name in (path, path.removeprefix("/usr"))]
    return [f"--dpkgopt=path-exclude={name}/*" for name in names] + [
        f"--dpkgopt=path-exclude={NO_INITRAMFS}"]


def mmdebstrap_command(kernel: Kernel, target: Path, mirror: str) -> list[str]:
    """The command that makes a root."""
    more = excludes(kernel)
    if kernel.backports:
        words = shlex.join(["env", f"PYTHONPATH={paths.LAB}", sys.executable, "-m",
                            "vuserlab.backports"])
        rest = shlex.join([kernel.name, mirror])
        more.append(f'--customize-hook={words} "$1" {rest}')
    if not host.checks_valid_until():
        more.append('--aptopt=Acquire::Check-Valid-Until "false"')
    return mmdebstrap.command(kernel.release, packages(kernel), target, mirror, more)


def make(kernel: Kernel, new: Path) -> None:
    """Fill a new entry of the cache."""
    clock = Clock()
    mirror = host.mirror()
    say(f"making the root of lab {kernel.name} ({kernel.release} from {mirror})")
    process.logged(mmdebstrap_command(kernel, new / "root", mirror), new / "log",
                   f"could not make the root of lab {kernel.name}", lines=40)
    for mount_point in ("vuser", "usr/src/linux"):
        (new / "root" / mount_point).mkdir(parents=True)
    say(f"the root of lab {kernel.name} is ready after {clock}")


def of(kernel: Kernel) -> Path:
    """The directory of a lab's root, which is held and made where it is missing."""
    kernel = kernels.load()[kernel.root]
    return cache.held_entry(directory(kernel), lambda new: make(kernel, new))


def release_of(base: Path) -> str:
    """The release of the one kernel in a root."""
    names = os.listdir(base / "root/lib/modules")
    if len(names) != 1:
        raise LabError(f"{base} has {len(names)} kernels: {' '.join(names)}")
    return names[0]


def inside(kernel: Kernel, words: Sequence[str], own: Path | None = None) -> list[str]:
    """The words that run a command in a lab's root (chroot); @own is what /mnt shows."""
    options = ["--own", str(own)] if own else []
    return [sys.executable, str(paths.LAB / "chroot"), *options, kernel.name, *words]


def command(arguments: list[str]) -> None:
    """Print the directory of a lab's root."""
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    print(of(kernels.load()[arguments[0]]))
