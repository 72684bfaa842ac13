# SPDX-License-Identifier: GPL-2.0
"""vhost-user back ends from another project: the Rust crates vhost-device-*.

They are built in a root of their own, which has the compilers and is removed afterwards.
The programs run in the machines of all labs with the release of the main lab. Building
takes five to ten minutes on two cores, once.
"""
import sys
from pathlib import Path

from . import cache, host, kernels, lists, mmdebstrap, paths, process
from .entry import no_arguments
from .message import Clock, say

FORMAT = 1
SCRIPT = "selftests/consumers/vhost-device/build.sh"
OUT = paths.BUILD / "vhost-device"


def directory() -> Path:
    """It depends on the release, the packages and what the script does."""
    key = cache.key(FORMAT, kernels.main_kernel().release, lists.packages("vhost-device"),
                    lists.code((paths.TOP / SCRIPT).read_text(encoding="utf-8")))
    return paths.CACHE / "vhost-device" / f"vhost-device-{key}"


def make(new: Path) -> None:
    clock = Clock()
    log = new / "log"
    top = new / "root"
    say(f"building the crates vhost-device-*; the log is {log}")
    process.logged(mmdebstrap.command(kernels.main_kernel().release,
                                      lists.packages("vhost-device"), top, host.mirror()),
                   log, "could not make the root for the crates vhost-device-*")
    (top / "vuser").mkdir()
    (new / "out").mkdir()
    process.logged(["nice", sys.executable, paths.LAB / "chroot", "--own", new / "out",
                    "--root", top, SCRIPT, "/mnt"],
                   log, "the crates vhost-device-* do not build")
    cache.remove(top)
    say(f"the crates vhost-device-* are ready after {clock}")


def build() -> Path:
    """Put the programs into the build directory, which the machines see."""
    path = cache.held_entry(directory(), make)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / "vhost-device.lock"):
        process.run(["rsync", "-a", "--delete", f"{path}/out/bin/", f"{OUT}/"])
    cache.sweep(path)
    return OUT


def command(arguments: list[str]) -> None:
    """Print the directory of the programs."""
    no_arguments(arguments)
    print(build())
