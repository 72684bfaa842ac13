# SPDX-License-Identifier: GPL-2.0
"""Kernels that we build ourselves, from the package of kernel sources.

The directory of such a kernel has its build tree (build), its image (vmlinuz), the files
to add to a root file system (overlay) and its release. Building takes 15 to 20 minutes on
two cores.
"""
from pathlib import Path

from . import cache, kernels, paths, process, root, source
from .kernels import Kernel
from .message import Clock, LabError, say

FORMAT = 1


def options(config: str) -> list[str]:
    """The options that a configuration sets, in order and without comments.

    "# CONFIG_X is not set" is not a comment: the option must be off.
    """
    found = []
    for line in config.splitlines():
        line = line.strip()
        if line.startswith("CONFIG_"):
            found.append(line)
        elif line.startswith("# CONFIG_") and line.endswith(" is not set"):
            found.append(line)
    return found


def lost(wanted: list[str], config: str) -> list[str]:
    """The options that are not in the configuration that make wrote.

    make drops an option whose dependencies are not met, without a message.
    """
    lines = set(config.splitlines())
    set_names = {line.partition("=")[0] for line in lines if line.startswith("CONFIG_")}

    def is_there(option: str) -> bool:
        if option.startswith("#"):
            return option.split()[1] not in set_names
        return option in lines

    return [option for option in wanted if not is_there(option)]


def wanted(kernel: Kernel) -> list[str]:
    return options((paths.LAB / str(kernel.config)).read_text(encoding="utf-8"))


def directory(kernel: Kernel) -> Path:
    names = kernels.load().source
    key = cache.key(FORMAT, names.package, names.release, kernel.base, wanted(kernel))
    return paths.CACHE / "kernels" / f"{kernel.name}-{key}"


def make(kernel: Kernel, new: Path) -> None:
    clock = Clock()
    log = new / "log"
    source.unpack(kernels.load().source, new / "deb", new / "source", [])
    (new / "config").write_text("\n".join(wanted(kernel)) + "\n")
    say(f"building kernel {kernel.name}; the log is {log}")
    base = kernels.load()[str(kernel.base)]

    def step(name: str) -> None:
        process.logged(["nice", *root.inside(base, ["lab/debug/build", name], own=new)],
                       log, f"kernel {kernel.name} does not build")

    step("configure")
    missing = lost(wanted(kernel), (new / "build/.config").read_text(encoding="utf-8"))
    if missing:
        raise LabError("the configuration that make wrote lacks: " + ", ".join(missing))
    step("build")
    say(f"kernel {kernel.name} is ready after {clock}")


def of(kernel: Kernel) -> Path:
    """The directory of a kernel, which is held and made where it is missing."""
    path = cache.held_entry(directory(kernel), lambda new: make(kernel, new))
    cache.sweep(path)
    return path
