# SPDX-License-Identifier: GPL-2.0
"""mmdebstrap(1), which makes a root with Debian's packages."""
from pathlib import Path
from typing import Sequence


def command(release: str, packages: Sequence[str], target: Path, mirror: str,
            options: Sequence[str] = (), sources: bool = False) -> list[str]:
    """The command that makes a root; with @sources, its apt knows source packages.

    It runs in a mount namespace of its own. So no mount is left in the root when the command
    is killed, and the next command can remove the root.
    """
    kinds = ["deb", "deb-src"] if sources else ["deb"]
    return ["unshare", "--mount", "mmdebstrap", "--variant=minbase",
            "--include=" + ",".join(packages), *options,
            '--aptopt=APT::Install-Recommends "false"',
            '--aptopt=Acquire::Languages "none"',
            '--aptopt=Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false"',
            release, str(target), *(f"{kind} {mirror} {release} main" for kind in kinds)]
