# SPDX-License-Identifier: GPL-2.0
"""QEMU's vfio-user server and the samples of libvfio-user, from Debian's source package.

They are built in a root of their own, which has the compilers and is removed afterwards.
The programs run in the machines of the main lab: the package has the version of that
lab's QEMU. Building takes five to ten minutes on two cores, once.
"""
import shutil
from pathlib import Path

from . import cache, host, kernels, lists, mmdebstrap, paths, process, root
from .entry import no_arguments
from .message import Clock, say

FORMAT = 1
FILES = [paths.LAB / "qemu" / name for name in ("build", "devices.mak")]
OUT = paths.BUILD / "qemu-server"


def version() -> str:
    """The version of the source package of the QEMU in the root of the main lab."""
    base = root.of(kernels.main_kernel())
    return process.output(["dpkg-query", f"--admindir={base}/root/var/lib/dpkg", "-W",
                           "-f", "${source:Version}", "qemu-system-x86"])


def directory(source: str) -> Path:
    key = cache.key(FORMAT, kernels.main_kernel().release, source,
                    lists.packages("qemu-server"),
                    [lists.code(file.read_text(encoding="utf-8")) for file in FILES])
    return paths.CACHE / "qemu-server" / f"qemu-server-{key}"


def mmdebstrap_command(release: str, source: str, target: Path, mirror: str) -> list[str]:
    """The command that makes a root with the compilers, and the source package in /build."""
    fetch = ('mkdir "$1/build" && cd "$1/build" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" '
             f'apt-get -q source --download-only qemu={source}')
    return mmdebstrap.command(release, lists.packages("qemu-server"), target, mirror,
                              [f"--customize-hook={fetch}",
                               '--aptopt=APT::Sandbox::User "root"'], sources=True)


def make(source: str, new: Path) -> None:
    clock = Clock()
    log = new / "log"
    top = new / "root"
    say(f"building the vfio-user server of QEMU {source}; the log is {log}")
    process.logged(mmdebstrap_command(kernels.main_kernel().release, source, top, host.mirror()),
                   log, f"cannot fetch the sources of QEMU {source}. If the mirror has a "
                   "newer QEMU, make lab-clean and a new root get that")
    for file in FILES:
        shutil.copy2(file, top / "build")
    process.logged(["nice", "unshare", "--mount", f"--root={top}",
                    "--mount-proc", "/build/build"],
                   log, "QEMU's vfio-user server does not build")
    (top / "build/out").rename(new / "out")
    cache.remove(top)
    say(f"QEMU's vfio-user server is ready after {clock}")


def build() -> Path:
    """Put the programs into the build directory, which the machines see."""
    source = version()
    path = cache.held_entry(directory(source), lambda new: make(source, new))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / "qemu-server.lock"):
        process.run(["rsync", "-a", "--delete", f"{path}/out/", f"{OUT}/"])
    cache.sweep(path)
    return OUT


def command(arguments: list[str]) -> None:
    """Print the directory of the programs."""
    no_arguments(arguments)
    print(build())
