# SPDX-License-Identifier: GPL-2.0
"""Packages of RPM: build/LAB/rpms.

They are built with rpm/vuser.spec in the root of the main lab, from the same copy of the
sources as the packages of Debian. They are kept in the cache.
"""
from pathlib import Path

from . import cache, deb, kernels, lists, paths, process, root
from .entry import no_arguments
from .message import Clock, say

FORMAT = 1
SCRIPT = paths.LAB / "rpm-root/build"


def build() -> Path:
    """Put the packages into the build directory."""
    kernel = kernels.main_kernel()
    debs = deb.build(kernel)
    here = paths.BUILD / kernel.name / "rpm"
    out = paths.BUILD / kernel.name / "rpms"

    def make(new: Path) -> None:
        clock = Clock()
        log = new / "log"
        say(f"building packages of RPM in the root of lab {kernel.name}; the log is {log}")
        cache.remove(here)
        here.mkdir()
        process.logged(["nice", *root.inside(kernel, [
            paths.inside(SCRIPT), paths.inside(here), paths.inside(tree), deb.version(),
            paths.inside(debs)])], log, "the packages of RPM do not build", lines=40)
        for path in here.glob("*.rpm"):
            path.rename(new / path.name)
        say(f"the packages of RPM are ready after {clock}")

    with cache.lock(deb.lock(kernel)):
        tree = deb.copy(kernel)
        key = cache.key(FORMAT, root.directory(kernel).name, deb.content(tree),
                        lists.code(SCRIPT.read_text(encoding="utf-8")))
        path = cache.held_entry(paths.CACHE / "rpms" / f"{kernel.name}-{key}", make)
        process.run(["rsync", "-a", "--delete", "--exclude=/log", f"{path}/", f"{out}/"])
    cache.sweep(path)
    return out


def command(arguments: list[str]) -> None:
    """Build the packages, and print their names."""
    no_arguments(arguments)
    for path in sorted(build().glob("*.rpm")):
        print(path.relative_to(paths.TOP))
