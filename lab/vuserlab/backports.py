# SPDX-License-Identifier: GPL-2.0
"""Put what a kernel's entry takes from backports on top of a new root.

mmdebstrap calls this program when the packages of the release are installed.
usage: python3 -m vuserlab.backports ROOT LAB MIRROR
"""
import re
import sys
from pathlib import Path

from . import kernels, process
from .message import LabError


def newest(names: list[str], pattern: str) -> str:
    """The package linux-image-NAME with the highest version whose name matches."""
    def version(name: str) -> list[int]:
        return [int(number) for number in re.findall(r"[0-9]+", name)]

    images = [name for name in names if re.fullmatch("linux-image-" + pattern, name)]
    if not images:
        raise LabError(f"the backports have no kernel that matches {pattern}")
    return max(images, key=version)


def install(root: Path, kernel: kernels.Kernel, mirror: str) -> None:
    release = f"{kernel.release}-backports"
    (root / "etc/apt/sources.list.d/backports.list").write_text(
        f"deb {mirror} {release} main\n")
    chroot = ["chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive"]
    process.run([*chroot, "apt-get", "update", "-q"])
    found = process.output([*chroot, "apt-cache", "search", "--names-only", "^linux-image-"])
    image = newest([line.split()[0] for line in found.splitlines()],
                   str(kernel.backports["kernel"]))
    process.run([*chroot, "apt-get", "install", "-q", "-y", "--no-install-recommends",
                 "-t", release, image, image.replace("image", "headers", 1),
                 *kernel.backports["packages"]])


if __name__ == "__main__":
    install(Path(sys.argv[1]), kernels.load()[sys.argv[2]], sys.argv[3])
