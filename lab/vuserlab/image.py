# SPDX-License-Identifier: GPL-2.0
"""The files that a lab's machines boot from: root.erofs, vmlinuz, initramfs, release.

They are made from the lab's root. A kernel that we build has all early modules built in;
its other modules are added to the root of its base.
"""
import lzma
import os
import shutil
from pathlib import Path
from typing import Iterable

from . import cache, debugkernel, kernels, lists, paths, process, root
from .entry import Usage
from .kernels import Kernel

FORMAT = 1
INIT = paths.LAB / "vm/initramfs"
# Needed before the root file system and the work tree are mounted.
EARLY = ("virtio_pci", "virtio_blk", "erofs", "overlay", "9p", "9pnet_virtio",
         "virtio_net")


def module_paths(top: Path, release: str, names: Iterable[str]) -> list[str]:
    """Paths in a root of modules and of their dependencies, in the order to load them."""
    found: list[str] = []
    for name in names:
        text = process.output(["chroot", top, "modprobe", "-S", release,
                               "--show-depends", name])
        for line in text.splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in found:
                found.append(words[1])
    return found


def module_bytes(path: Path) -> bytes:
    """The bytes of a module, uncompressed."""
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        child = process.start(["zstd", "-qdc", path], stdout=-1)
        data: bytes = child.communicate()[0]
        process.finish(child)
        return data
    return path.read_bytes()


def copy_modules(top: Path, release: str, names: Iterable[str], target: Path) -> None:
    """Copy uncompressed modules, and list their names in load order in the file "order"."""
    target.mkdir()
    order = []
    for path in module_paths(top, release, names):
        name = os.path.basename(path).partition(".ko")[0]
        (target / f"{name}.ko").write_bytes(module_bytes(top / path.lstrip("/")))
        order.append(name)
    (target / "order").write_text("".join(f"{name}\n" for name in order))


def make_tree(tree: Path, init: Path, directories: Iterable[str]) -> None:
    """The beginning of an initramfs: busybox and an init."""
    for name in ("bin", "dev", "proc", "sys", *directories):
        (tree / name).mkdir(parents=True)
    shutil.copy2("/bin/busybox", tree / "bin/busybox")
    shutil.copyfile(init, tree / "init")
    (tree / "init").chmod(0o755)


def pack(tree: Path, archive: Path) -> None:
    """Make an initramfs of a tree, and remove the tree.

    It is not compressed: under emulation, unpacking costs more than reading.
    """
    with archive.open("wb") as file:
        process.run(["sh", "-c", "find . | cpio -o -H newc --quiet"], cwd=tree, stdout=file)
    shutil.rmtree(tree)


def make_debian(base: Path, new: Path) -> None:
    """Fill an image for a kernel from Debian."""
    top = base / "root"
    release = root.release_of(base)
    (new / "release").write_text(release + "\n")
    shutil.copy2(top / f"boot/vmlinuz-{release}", new / "vmlinuz")
    process.logged(["mkfs.erofs", new / "root.erofs", top], new / "root.log",
                   f"could not make an image of {base.name}")
    make_tree(new / "tree", INIT, ("mnt", "top"))
    copy_modules(top, release, EARLY, new / "tree/modules")
    pack(new / "tree", new / "initramfs")


def make_own(base: Path, other: Path, new: Path) -> None:
    """Fill an image for a kernel that we build, with the root of its base."""
    for path in (base / "release", base / "vmlinuz", other / "root.erofs"):
        os.link(path, new / path.name)
    make_tree(new / "tree", INIT, ("mnt", "top", "modules"))
    (new / "tree/modules/order").touch()
    shutil.copytree(base / "overlay", new / "tree/top", symlinks=True, dirs_exist_ok=True)
    pack(new / "tree", new / "initramfs")


def of(kernel: Kernel) -> Path:
    """The directory of a lab's image, made where it is missing; its root is held."""
    inputs = [FORMAT, EARLY, lists.code(INIT.read_text(encoding="utf-8"))]
    base = root.of(kernel)
    other = None
    if kernel.own:
        other = of(kernels.load()[kernel.root])
        inputs.append(f"{other.parent.name}/{other.name}")
        base = debugkernel.of(kernel)
    path = base / f"image-{cache.key(*inputs)}"

    def make(new: Path) -> None:
        if other:
            make_own(base, other, new)
        else:
            make_debian(base, new)

    existed = path.exists()
    cache.entry(path, make)
    if not existed:
        cache.sweep(path)
        cache.sweep(base)
    return path


def command(arguments: list[str]) -> None:
    """Print the directory of a lab's image."""
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    print(of(kernels.load()[arguments[0]]))
