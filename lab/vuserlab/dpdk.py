# SPDX-License-Identifier: GPL-2.0
"""The sources of DPDK's example programs, of the very DPDK that a lab has.

Debian ships them in the package dpdk-doc.
"""
from pathlib import Path

from . import cache, download, kernels, paths, process, root
from .entry import Usage
from .kernels import Kernel
from .message import LabError


def make(release: str, version: str, new: Path) -> None:
    try:
        package = download.package(release, f"dpdk-doc={version}", new)
    except LabError as error:
        raise LabError(f"the mirror has no dpdk-doc {version}. If it has a newer DPDK, "
                       "make lab-clean and a new root get that") from error
    process.pipe(["dpkg-deb", "--fsys-tarfile", package],
                 ["tar", "-x", "-C", new, "--strip-components=5",
                  "./usr/share/dpdk/examples"])
    package.unlink()


def examples(kernel: Kernel) -> Path:
    """The directory of the examples, which is held and fetched where it is missing."""
    base = root.of(kernel)
    version = process.output(["dpkg-query", f"--admindir={base}/root/var/lib/dpkg",
                              "-W", "-f", "${Version}", "dpdk-dev"])
    path = paths.CACHE / "dpdk-examples" / version
    return cache.held_entry(path, lambda new: make(kernel.release, version, new))


def command(arguments: list[str]) -> None:
    """Print the directory of the examples for a lab."""
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    print(examples(kernels.load()[arguments[0]]))
