# SPDX-License-Identifier: GPL-2.0
"""Packages of Debian: build/LAB/packages.

They are built in the lab's root from a copy of the sources, tried and kept in the cache.
To try an upgrade, the same packages are made with the next version, in the directory next.
The directory modules has what DKMS has compiled: an emulated machine would take an hour.
"""
import hashlib
import os
from pathlib import Path

from . import cache, kernels, lists, paths, process, root
from .entry import Usage
from .kernels import Kernel
from .message import Clock, LabError, say

FORMAT = 3
SCRIPTS = [*(paths.LAB / "deb-root" / name for name in ("build", "next", "try")),
           paths.SELFTESTS / "consumers/packages/sources"]
# The sources of the packages. The documentation shows the tables of the lab.
PARTS = ["debian", "rpm", "include", "kmod", "user", "Documentation", "LICENSES", "lab/vuserlab",
         "lab/kernels.toml", "selftests/suites.toml", "Kconfig", "MAINTAINERS", "Makefile",
         "CHANGELOG.rst", "CONTRIBUTING.rst", "README.rst", "SECURITY.rst"]
LEFT_OUT = ["/user/tests", "__pycache__", "*.o", "*.o.d", "*.ko", "*.mod", "*.mod.c",
            "*.cmd", "btf.h"]


def version() -> str:
    """The version of the tree."""
    header = (paths.TOP / "include/vuser-version.h").read_text(encoding="utf-8")
    for line in header.splitlines():
        if line.startswith("#define VUSER_VERSION "):
            return line.split('"')[1]
    raise LabError("include/vuser-version.h has no VUSER_VERSION")


def next_version(now: str) -> str:
    """The version with the last number plus one."""
    head, _, last = now.rpartition(".")
    return f"{head}.{int(last) + 1}"


def work(kernel: Kernel) -> Path:
    """Where packages are built: the path is the same in each clone, for ccache."""
    return paths.BUILD / kernel.name / "deb"


def lock(kernel: Kernel) -> Path:
    """The lock of the copy of the sources, and of all that is built from it."""
    return paths.BUILD / kernel.name / "deb.lock"


def copy(kernel: Kernel) -> Path:
    """Copy the sources, with a changelog of Debian."""
    tree = work(kernel) / "vuser"
    tree.mkdir(parents=True, exist_ok=True)
    process.run(["rsync", "-aR", "--delete", "--delete-excluded",
                 *(f"--exclude={name}" for name in LEFT_OUT),
                 *(f"{paths.TOP}/./{part}" for part in PARTS), f"{tree}/"])
    text = (tree / "debian/changelog.in").read_text(encoding="utf-8")
    (tree / "debian/changelog").write_text(text.replace("@VERSION@", version()),
                                           encoding="utf-8")
    return tree


def content(tree: Path) -> str:
    """A hash of the names and the contents of all files."""
    total = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        total.update(f"{path.relative_to(tree)}\0".encode())
        if path.is_symlink():
            total.update(os.fsencode(os.readlink(path)))
        elif path.is_file():
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def entry(kernel: Kernel, tree: Path) -> Path:
    """The entry of the cache for the present sources."""
    key = cache.key(FORMAT, root.directory(kernel).name, content(tree),
                    [lists.code(script.read_text(encoding="utf-8")) for script in SCRIPTS])
    return paths.CACHE / "packages" / f"{kernel.name}-{key}"


def run(kernel: Kernel, script: str, log: Path, error: str, *words: str) -> None:
    process.logged(["nice", *root.inside(kernel, [f"/vuser/lab/deb-root/{script}", *words])],
                   log, error, lines=40)


def able(kernel: Kernel) -> bool:
    """Whether the root of a lab has the tools to build packages."""
    return "debhelper" in kernel.packages


def kind(kernel: Kernel) -> str:
    """How much the tools of a root can build: documentation, too, or only programs."""
    return "all" if {"lintian", "python3-sphinx"} <= set(kernel.packages) else "programs"


def beside(tree: Path) -> list[Path]:
    """The files that builds have put beside their copy of the sources."""
    return [path for path in tree.parent.iterdir() if path != tree]


def make(kernel: Kernel, tree: Path, new: Path) -> None:
    clock = Clock()
    log = new / "log"
    here = work(kernel)
    release = root.release_of(root.of(kernel))
    say(f"building packages of Debian in the root of lab {kernel.name}; the log is {log}")
    for old in beside(tree):
        cache.remove(old)
    where = paths.inside(here)
    run(kernel, "build", log, "the packages do not build", paths.inside(tree),
        kind(kernel))
    run(kernel, "next", log, "the packages cannot be repacked", where, version(),
        next_version(version()))
    run(kernel, "try", log, "the packages do not install, upgrade or purge", where, release,
        version(), next_version(version()))
    for path in [*here.glob("*.deb"), here / "next", here / "modules"]:
        path.rename(new / path.name)
    say(f"the packages are ready after {clock}")


def build(kernel: Kernel) -> Path:
    """Put the packages into the build directory."""
    out = paths.BUILD / kernel.name / "packages"
    with cache.lock(lock(kernel)):
        tree = copy(kernel)
        path = cache.held_entry(entry(kernel, tree), lambda new: make(kernel, tree, new))
        process.run(["rsync", "-a", "--delete", "--exclude=/log", f"{path}/", f"{out}/"])
    cache.sweep(path)
    return out


def command(arguments: list[str]) -> None:
    """Build the packages in the root of a lab, and print their names."""
    if len(arguments) > 1:
        raise Usage("it takes at most one lab")
    kernel = kernels.load()[arguments[0]] if arguments else kernels.main_kernel()
    if not able(kernel):
        raise LabError(f"the root of lab {kernel.name} has no debhelper (lab/kernels.toml)")
    for path in sorted(build(kernel).glob("*.deb")):
        print(path.relative_to(paths.TOP))
