# SPDX-License-Identifier: GPL-2.0
"""The files that a Linux guest boots from: the kernel of a lab, and an initramfs.

The first process of the guest is selftests/consumers/vhost/guest-init.
"""
import shutil
from pathlib import Path
from typing import Iterable

from . import cache, image, paths, root
from .kernels import Kernel

INIT = paths.SELFTESTS / "consumers/vhost/guest-init"


def make(kernel: Kernel, target: Path, modules: Iterable[str],
         programs: Iterable[Path] = ()) -> None:
    """Make vmlinuz and initramfs in a directory; the guest has the programs in /bin."""
    base = root.of(kernel)
    release = root.release_of(base)
    target.mkdir(parents=True, exist_ok=True)
    cache.remove(target / "tree")
    image.make_tree(target / "tree", INIT, ())
    image.copy_modules(base / "root", release, modules, target / "tree/modules")
    for program in programs:
        shutil.copy2(program, target / "tree/bin" / program.name)
    image.pack(target / "tree", target / "initramfs")
    shutil.copy2(base / f"root/boot/vmlinuz-{release}", target / "vmlinuz")
