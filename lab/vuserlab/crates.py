# SPDX-License-Identifier: GPL-2.0
"""vfio-user servers of other projects, from Rust crates: the gpio servers of several
versions of the crate vfio_user, and usbvfiod.

They are static, so one program serves all labs. They take minutes to build and never
change, so they are kept in the cache.
"""
import shutil
from pathlib import Path

from . import cache, kernels, lists, paths, process, root

# What selftests/consumers/NAME/build.sh builds into build/NAME/bin.
GPIO = "gpio"
USBVFIOD = "usbvfiod"


def script(name: str) -> str:
    return f"selftests/consumers/{name}/build.sh"


def programs(name: str) -> Path:
    return paths.BUILD / name / "bin"


def directory(name: str) -> Path:
    """It depends on what the script does, the compiler and the C library."""
    base = root.of(kernels.load().capable("rust"))
    versions = process.output(["dpkg-query", f"--admindir={base}/root/var/lib/dpkg", "-W",
                               "cargo", "rustc", "libc6-dev"])
    key = cache.key(lists.code((paths.TOP / script(name)).read_text()), versions.split())
    return paths.CACHE / name / f"{name}-{key}"


def build(name: str) -> None:
    """Put the programs into the build directory."""
    def make(new: Path) -> None:
        kernel = kernels.load().capable("rust")
        process.run(root.inside(kernel, [script(name), f"/vuser/build/{name}"]))
        for program in programs(name).glob(f"{name}*"):
            shutil.copy2(program, new)

    path = cache.held_entry(directory(name), make)
    programs(name).mkdir(parents=True, exist_ok=True)
    with cache.lock(paths.BUILD / name / "lock"):
        for program in path.iterdir():
            new = programs(name) / f"{program.name}.new"
            shutil.copy2(program, new)
            new.rename(programs(name) / program.name)
    cache.sweep(path)
