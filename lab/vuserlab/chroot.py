# SPDX-License-Identifier: GPL-2.0
"""Run a command in a lab's root on the host: this is how we compile, at native speed.

A root that is not a lab's, with compilers for one purpose, is entered in the same way.

Inside, the work tree is /vuser and the working directory. The kernel's sources are
/usr/src/linux where they were made before, and the directory of a kernel of our own is
/mnt. cargo's home and ccache's memory are in the cache. All else is read only, with
empty /tmp, /run and /root.
"""
import ctypes
import os
from pathlib import Path
from typing import NoReturn, Sequence

from . import debugkernel, kernels, paths, process, root, source
from .entry import Usage
from .kernels import Kernel
from .message import LabError

CLONE_NEWNS = 0x00020000
MS_RDONLY = 1
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

PATH = ("/usr/lib/ccache:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
EMPTY = ("tmp", "run", "root", "var/tmp")
# The root shares the host's name servers and certificates, for cargo.
SHARED = ("/etc/resolv.conf", "/etc/ssl/certs")

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise LabError(f"{what}: {os.strerror(ctypes.get_errno())}")


def unshare_mounts() -> None:
    """Enter a new mount namespace, whose mounts no other process sees."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", Path("/"), None, MS_REC | MS_PRIVATE)


def mount(what: str | Path, where: Path, kind: str | None, flags: int = 0) -> None:
    """mount(2)."""
    _check(_libc.mount(os.fsencode(what), os.fsencode(where),
                       kind.encode() if kind else None, ctypes.c_ulong(flags), None),
           f"cannot mount {what} on {where}")


def bind(what: Path, where: Path, readonly: bool = False) -> None:
    """Show a directory or a file, with what is mounted in it, in a second place."""
    mount(what, where, None, MS_BIND | (0 if readonly else MS_REC))
    if readonly:
        mount("none", where, None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def assemble(top: Path, sources: Path | None, own: Path | None) -> None:
    """Mount all that a root is to have."""
    bind(top, top, readonly=True)
    mount("proc", top / "proc", "proc")
    bind(Path("/dev"), top / "dev")
    for name in EMPTY:
        mount("tmpfs", top / name, "tmpfs")
    bind(paths.TOP, top / "vuser")
    for cached, name in (("cargo", ".cargo"), ("ccache", ".cache/ccache")):
        (paths.CACHE / cached).mkdir(parents=True, exist_ok=True)
        (top / "root" / name).mkdir(parents=True)
        bind(paths.CACHE / cached, top / "root" / name)
    if sources:
        bind(sources, top / "usr/src/linux", readonly=True)
    if own:
        bind(own, top / "mnt")
    for name in SHARED:
        if os.path.exists(name) and (top / name[1:]).exists():
            bind(Path(name), top / name[1:])


def environment(kernel: Kernel | None) -> dict[str, str]:
    lab = {"LAB": kernel.name, "BUILD": f"/vuser/build/{kernel.name}"} if kernel else {}
    return {
        **lab, "HOME": "/root",
        "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb"), "PATH": PATH,
        "CC": "gcc", "CCACHE_MAXSIZE": "2G", "CCACHE_COMPILERCHECK": "content",
    }


def enter(top: Path, words: Sequence[str], values: dict[str, str], sources: Path | None,
          own: Path | None) -> NoReturn:
    """Become a command in a root."""
    unshare_mounts()
    assemble(top, sources, own)
    os.chroot(top)
    os.chdir("/vuser")
    os.environ["PATH"] = PATH  # execvpe() looks there
    process.replace(words, values)


def enter_lab(kernel: Kernel, words: Sequence[str], own: Path | None) -> NoReturn:
    """Become a command in a lab's root."""
    base = root.of(kernel)
    if own is None and kernel.own:
        own = debugkernel.of(kernel)
    enter(base / "root", words, environment(kernel), source.hold(), own)


def main(arguments: list[str]) -> None:
    """Run a command in a root."""
    own = top = None
    if arguments[:1] == ["--own"] and len(arguments) > 1:
        own = Path(arguments[1])
        arguments = arguments[2:]
    if arguments[:1] == ["--root"] and len(arguments) > 1:
        top = Path(arguments[1])
        arguments = arguments[1:]
    if len(arguments) < 2:
        raise Usage("it takes a lab and a command")
    process.need_root()
    if top:
        enter(top, arguments[1:], environment(None), None, own)
    enter_lab(kernels.load()[arguments[0]], arguments[1:], own)
