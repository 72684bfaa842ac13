# SPDX-License-Identifier: GPL-2.0
"""make dist."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from vuserlab import paths

AUTHOR = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@localhost",
          "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@localhost",
          "GIT_CONFIG_NOSYSTEM": "1"}


def run(where: Path, *words: str, **variables: str) -> str:
    return subprocess.run(words, cwd=where, env={**os.environ, **AUTHOR, **variables},
                          check=True, capture_output=True, text=True).stdout


def dist(where: Path, **variables: str) -> Path:
    """Make the tarball of a work tree."""
    return Path(run(where, "make", "-s", "dist", **variables).splitlines()[-1])


class Dist(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.here = Path(temporary.name)
        self.tree = self.here / "tree"
        for name in ("Makefile", "include/vuser-version.h"):
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(paths.TOP / name, self.tree / name)
        run(self.tree, "git", "init", "-q")
        run(self.tree, "git", "add", ".")
        run(self.tree, "git", "commit", "-q", "-m", "lab: begin")

    def test_two_people_make_the_same_bytes_of_a_commit(self) -> None:
        first = dist(self.tree).read_bytes()
        other = self.here / "other"
        run(self.here, "git", "clone", "-q", "tree", "other")
        config = self.here / "config"
        config.write_text("[tar]\n\tumask = user\n")
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        second = dist(other, GIT_CONFIG_GLOBAL=str(config), TZ="Asia/Tokyo",
                      XZ_OPT="-0", XZ_DEFAULTS="--check=crc32").read_bytes()
        self.assertEqual(first, second)

    def test_the_tarball_has_the_files_of_the_commit_below_its_version(self) -> None:
        (self.tree / "other").write_text("not committed\n")
        tarball = dist(self.tree)
        version = tarball.name.removesuffix(".tar.xz")
        names = run(self.tree, "tar", "-tf", str(tarball)).split()
        self.assertEqual([name for name in names if not name.endswith("/")],
                         [f"{version}/Makefile", f"{version}/include/vuser-version.h"])
