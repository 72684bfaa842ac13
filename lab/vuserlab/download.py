# SPDX-License-Identifier: GPL-2.0
"""Download one Debian package of another release than the host's."""
import tempfile
from pathlib import Path

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


def package(release: str, name: str, directory: Path) -> Path:
    """Download a package (NAME or NAME=VERSION) to a directory; return its file.

    apt gets a configuration and package lists of its own.
    """
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        for part in ("lists/partial", "archives/partial", "etc/apt.conf.d",
                     "etc/preferences.d"):
            (here / part).mkdir(parents=True)
        (here / "status").touch()
        (here / "sources.list").write_text(
            f"deb [signed-by={keyring()}] {host.mirror()} {release} main\n")
        (here / "apt.conf").write_text(CONFIGURATION.format(here=here))
        apt = ["env", f"APT_CONFIG={here}/apt.conf", "apt-get", "-q"]
        process.run([*apt, "update"], stdout=2)
        process.run([*apt, "download", name], stdout=2, cwd=directory)
    files = list(directory.glob(f"{name.partition('=')[0]}_*.deb"))
    if len(files) != 1:
        raise LabError(f"apt-get download {name} left {len(files)} packages")
    return files[0]
