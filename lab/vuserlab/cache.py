# SPDX-License-Identifier: GPL-2.0
"""The cache: directories that are made once, with a hash of their inputs in their names.

An entry is made in a directory with another name and renamed when it is complete, under a
lock, so no process sees an incomplete entry. A process that uses an entry holds it by a
shared flock. An entry of earlier inputs is removed when no process holds it.
"""
import contextlib
import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Callable, Iterator

from . import host, paths, process
from .entry import no_arguments

_held: list[int] = []


def key(*inputs: Any) -> str:
    """A short name for inputs, which must be what json.dumps() takes.

    Inputs are packages, versions, configuration and a format number. Increase the format
    number in the code when existing entries must be made again. The text of a script is
    not an input: rewording it must not make anything again.
    """
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def remove(path: Path) -> None:
    process.run(["rm", "-rf", "--one-file-system", path])


@contextlib.contextmanager
def lock(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a file; yield whether it is held, which may be False without @wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield _flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    finally:
        os.close(descriptor)


def _flock(descriptor: int, operation: int) -> bool:
    """Lock a file; return False if that would block and the operation must not block."""
    try:
        fcntl.flock(descriptor, operation)
        return True
    except BlockingIOError:
        return False


def _is(descriptor: int, path: Path) -> bool:
    """Whether a path still names an open directory."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def lock_of(path: Path) -> Path:
    """The lock of all entries whose names differ only by their keys."""
    return paths.CACHE / "lock" / f"{path.parent.name}-{path.name.rpartition('-')[0]}"


def hold(path: Path) -> bool:
    """Protect an entry from removal until this process ends.

    Children that get descriptors() protect it too. Returns False when the entry is gone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    if not _is(descriptor, path):  # it was swept before we had the lock
        os.close(descriptor)
        return False
    os.set_inheritable(descriptor, True)
    _held.append(descriptor)
    return True


def descriptors() -> list[int]:
    """The descriptors of the entries that are held, for a child that outlives this process."""
    return list(_held)


def entry(path: Path, make: Callable[[Path], None]) -> Path:
    """Return an entry of the cache; if it is missing, @make fills its new directory."""
    if path.exists():
        return path
    process.need_root()
    host.install()
    with lock(lock_of(path)):
        if not path.exists():
            new = path.with_name(path.name + ".new")
            remove(new)
            new.mkdir(parents=True)
            make(new)
            new.rename(path)
    return path


def held_entry(path: Path, make: Callable[[Path], None]) -> Path:
    """Return an entry of the cache that is held. Make it again if it was swept meanwhile."""
    while not hold(entry(path, make)):
        pass
    return path


def sweep(keep: Path) -> None:
    """Remove entries of the same kind as @keep with other keys, unless a process holds them.

    Nothing is removed while a process makes such an entry: it holds the lock.
    """
    with lock(lock_of(keep), wait=False) as locked:
        if not locked:
            return
        prefix = keep.name.rpartition("-")[0] + "-"
        for other in keep.parent.glob(prefix + "*"):
            if other == keep or "-" in other.name[len(prefix):]:
                continue
            _sweep_one(other)


def _sweep_one(path: Path) -> None:
    """Rename an entry that is not held, so that no process finds half of it; remove it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        if not _flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return
        if not path.name.endswith((".old", ".new")):
            path = path.rename(path.with_name(path.name + ".old"))
        remove(path)
    finally:
        os.close(descriptor)


def clean(arguments: list[str]) -> None:
    """Remove all of the cache."""
    no_arguments(arguments)
    remove(paths.CACHE)
