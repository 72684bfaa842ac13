# SPDX-License-Identifier: GPL-2.0
"""Download Debian packages of another release than the host's."""
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Iterator

from . import host, process
from .message import LabError

CONFIGURATION = """\
Dir::Etc::sourcelist "{here}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "{here}/lists";
Dir::State::status "{here}/status";
Dir::Cache "{here}";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "root";
"""


def keyring() -> Path:
    directory = Path("/usr/share/keyrings")
    for name in ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp"):
        if (directory / name).exists():
            return directory / name
    raise LabError("the host has no debian-archive-keyring")


@contextlib.contextmanager
def apt_get(release: str, status: Path | None = None) -> Iterator[list[str]]:
    """The words that call apt-get with a configuration and package lists of its own.

    @status is dpkg's list of the packages that are installed. By default, none are.
    """
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        for part in ("lists/partial", "archives/partial", "etc/apt.conf.d",
                     "etc/preferences.d"):
            (here / part).mkdir(parents=True)
        if status:
            shutil.copyfile(status, here / "status")
        else:
            (here / "status").touch()
        (here / "sources.list").write_text(
            f"deb [signed-by={keyring()}] {host.mirror()} {release} main\n")
        (here / "apt.conf").write_text(CONFIGURATION.format(here=here))
        words = ["env", f"APT_CONFIG={here}/apt.conf", "apt-get", "-q"]
        process.run([*words, "update"], stdout=2)
        yield words


def package(release: str, name: str, directory: Path) -> Path:
    """Download a package (NAME or NAME=VERSION) to a directory; return its file."""
    with apt_get(release) as words:
        process.run([*words, "download", name], stdout=2, cwd=directory)
    files = list(directory.glob(f"{name.partition('=')[0]}_*.deb"))
    if len(files) != 1:
        raise LabError(f"apt-get download {name} left {len(files)} packages")
    return files[0]


def missing(release: str, names: list[str], status: Path, directory: Path) -> None:
    """Download packages, and those that they depend on, that @status does not list."""
    (directory / "partial").mkdir(parents=True)
    with apt_get(release, status) as words:
        process.run([*words, "-y", "--no-install-recommends", "--download-only",
                     "-o", f"Dir::Cache::archives={directory}", "install", *names], stdout=2)
