# SPDX-License-Identifier: GPL-2.0
"""The gpio servers, of several versions of the Rust crate vfio_user.

They are static, so one program serves all labs. They take minutes to build and never
change, so they are kept in the cache.
"""
import shutil
from pathlib import Path

from . import cache, kernels, lists, paths, process, root

SCRIPT = "selftests/consumers/gpio/build.sh"
PROGRAMS = paths.BUILD / "gpio/bin"


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
    for program in PROGRAMS.glob("gpio-*"):
        shutil.copy2(program, new)


def build() -> None:
    """Put the programs into the build directory."""
    path = cache.held_entry(directory(), make)
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / "gpio/lock"):
        for program in path.iterdir():
            new = PROGRAMS / f"{program.name}.new"
            shutil.copy2(program, new)
            new.rename(PROGRAMS / program.name)
    cache.sweep(path)
