# SPDX-License-Identifier: GPL-2.0
"""Compile for a lab, in its root: the module, user space, selftests, benchmarks.

Output goes to build/LAB. Labs of one Debian release have the same compiler and libraries:
only the module is compiled for each of them, programs for the first.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable

from . import (cache, crates, deb, dpdk, guestfiles, kernels, libvirt, paths, process,
               qemu_server, root, source, uml, vhost_device)
from .entry import Usage
from .kernels import Kernel
from .message import LabError

DEFAULT = ("kmod", "user", "selftests")
GUEST = paths.SELFTESTS / "consumers/qemu/guest"
GUEST_MODULES = ("virtio_pci", "virtio_blk", "ioatdma")


def directory(kernel: Kernel) -> Path:
    return paths.BUILD / kernel.name


def make(kernel: Kernel, *words: str) -> list[str]:
    """The words that run make in a lab's root."""
    return root.inside(kernel, ["make", "-s", f"-j{process.processors()}", *words])


def copy_module(kernel: Kernel) -> None:
    """Objects lie beside their sources in kbuild, so each lab compiles a copy."""
    target = directory(kernel) / "module"
    target.mkdir(parents=True, exist_ok=True)
    process.run(["rsync", "-a", "--delete", "--exclude=*.mod.c", "--exclude=btf.h",
                 "--include=*/", "--include=*.py",
                 "--include=*.[chS]", "--include=K*", "--include=Makefile",
                 "--exclude=*", paths.TOP / "kmod", paths.TOP / "include", f"{target}/"])


def run_and_record(words: list[str], log: Path | None) -> None:
    """Run a command whose output goes to standard output, and to a log."""
    child = process.start(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert child.stdout
    with open(log or os.devnull, "wb") as file:
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            file.write(line)
    if process.finish(child) != 0:
        raise LabError("the module does not build")


def strict_options(kernel: Kernel) -> list[str]:
    """Options of kbuild for the compiler's extra warnings and, where possible, sparse."""
    return ["W=1", "C=2"] if kernel.sparse else ["W=1"]


def headers(kernel: Kernel) -> str:
    """The directory in a lab's root that builds modules for its kernel."""
    return "/mnt/build" if kernel.own else (
        f"/lib/modules/{root.release_of(root.of(kernel))}/build")


def kmod(kernel: Kernel) -> None:
    strict = bool(os.environ.get("STRICT"))
    log = directory(kernel) / "strict.log" if strict else None
    if strict:
        cache.remove(directory(kernel) / "module")
    copy_module(kernel)
    run_and_record(make(kernel, "-C", headers(kernel), f"M=/vuser/build/{kernel.name}/module/kmod",
                        *(strict_options(kernel) if strict else []), "modules"), log)


def user(kernel: Kernel) -> None:
    process.run(make(kernel, "-C", "user", f"O=/vuser/build/{kernel.name}/user"))


def make_selftests(kernel: Kernel, *words: str) -> None:
    process.run(make(kernel, "-C", "selftests", f"O=/vuser/build/{kernel.name}/selftests",
                     *words))


def selftests(kernel: Kernel) -> None:
    source.of()
    make_selftests(kernel, f"SLOWNESS={kernels.slowness(kernel)}")
    crates.build(crates.GPIO)
    if kernel == kernels.main_kernel():
        qemu_server.build()
        uml.build()
        crates.build(crates.USBVFIOD)
        vhost_device.build()
        l3fwd(kernel)


def l3fwd(kernel: Kernel) -> None:
    """DPDK's example l3fwd-power, against the DPDK of the lab."""
    target = directory(kernel) / "dpdk"
    target.mkdir(parents=True, exist_ok=True)
    process.run(["rsync", "-a", "--delete", "--exclude=build",
                 dpdk.examples(kernel) / "l3fwd-power", f"{target}/"])
    process.run(root.inside(kernel, [
        "make", "-s", "-C", f"/vuser/build/{kernel.name}/dpdk/l3fwd-power"]))


def bench(kernel: Kernel) -> None:
    l3fwd(kernel)
    source.of()
    make_selftests(kernel, "bench")


def link_programs(kernel: Kernel, first: Kernel, part: str) -> None:
    """Build programs for another lab, and show them in this one's directory."""
    build(first, [part])
    target = directory(kernel) / part
    if not target.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
    target.unlink(missing_ok=True)
    target.symlink_to(f"../{first.name}/{part}")


def guest(kernel: Kernel) -> None:
    """The guest of 65-qemu-guest: the lab's kernel, and programs that use its devices."""
    target = directory(kernel) / "guest"
    module = target / "module"
    module.mkdir(parents=True, exist_ok=True)
    process.run(["rsync", "-a", "--include=*.c", "--include=Kbuild", "--exclude=*",
                 f"{GUEST}/", f"{module}/"])
    process.run(make(kernel, "-C", headers(kernel), f"M=/vuser/{module.relative_to(paths.TOP)}",
                     "modules"))
    guestfiles.make(kernel, target, GUEST_MODULES,
                    [module / "copies.ko", directory(kernel) / "selftests/consumers/blocks"])
    files = [f"/vuser/{target.relative_to(paths.TOP) / name}"
             for name in ("vmlinuz", "initramfs", "state")]
    process.run(root.inside(kernel, ["selftests/consumers/qemu/boot.py", *files]))


PARTS: dict[str, Callable[[Kernel], object]] = {
    "kmod": kmod, "user": user, "selftests": selftests, "bench": bench, "deb": deb.build,
    "guest": guest, "libvirt": lambda kernel: libvirt.build()}


def build(kernel: Kernel, parts: list[str]) -> None:
    """Build parts; only one process builds in a lab's directory at a time."""
    directory(kernel).mkdir(parents=True, exist_ok=True)
    with cache.lock(directory(kernel) / "lock"):
        for part in parts:
            if part in ("user", "selftests") and kernel.programs:
                link_programs(kernel, kernels.load()[kernel.programs], part)
            else:
                PARTS[part](kernel)


def command(arguments: list[str]) -> None:
    """Build parts of a lab."""
    if not arguments:
        raise Usage("it takes a lab")
    parts = arguments[1:] or list(DEFAULT)
    for part in parts:
        if part not in PARTS:
            raise Usage(f"no part '{part}'; the parts are: {' '.join(PARTS)}")
    build(kernels.load()[arguments[0]], parts)
