# SPDX-License-Identifier: GPL-2.0
"""The gpio server of the Rust crate vfio_user: static, so one program for all labs.

It takes minutes to build and never changes, so it is kept in the cache.
"""
import shutil
from pathlib import Path

from . import cache, kernels, lists, paths, process, root

SCRIPT = "selftests/consumers/gpio/build.sh"
PROGRAM = paths.BUILD / "gpio/bin/gpio"


def directory() -> Path:
    """It depends on what the script does, the compiler and the C library."""
    base = root.of(kernels.load().capable("rust"))
    versions = process.output(["dpkg-query", f"--admindir={base}/root/var/lib/dpkg", "-W",
                               "cargo", "rustc", "libc6-dev"])
    key = cache.key(lists.code((paths.TOP / SCRIPT).read_text()), versions.split())
    return paths.CACHE / "gpio" / f"gpio-{key}"


def make(new: Path) -> None:
    kernel = kernels.load().capable("rust")
    process.run(root.inside(kernel, [SCRIPT, "/vuser/build/gpio"]))
    shutil.copy2(PROGRAM, new / "gpio")


def build() -> None:
    """Put the program into the build directory."""
    path = cache.held_entry(directory(), make)
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / "gpio/lock"):
        new = PROGRAM.with_name("gpio.new")
        shutil.copy2(path / "gpio", new)
        new.rename(PROGRAM)
    cache.sweep(path)
