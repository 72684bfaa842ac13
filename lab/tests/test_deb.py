# SPDX-License-Identifier: GPL-2.0
"""The packages of Debian and of RPM."""
import re
import tempfile
import unittest
from pathlib import Path

from vuserlab import deb, kernels, paths


def exclusive() -> str:
    """The expression of the kernels for which DKMS builds the module."""
    text = (paths.TOP / "debian/vuser-dkms.dkms").read_text(encoding="utf-8")
    found = re.search(r'^BUILD_EXCLUSIVE_KERNEL="(.*)"$', text, re.M)
    assert found
    return found.group(1)


class Dkms(unittest.TestCase):
    def test_dkms_builds_for_exactly_the_kernels_that_the_module_accepts(self) -> None:
        text = (paths.TOP / "kmod/compat.h").read_text(encoding="utf-8")
        known = re.findall(r"!VUSER_IS_KERNEL\((\d+), (\d+)\)", text)
        self.assertTrue(known)
        releases = [f"{major}.{minor}" for major in range(5, 9) for minor in range(100)]
        built = [one for one in releases if re.search(exclusive(), f"{one}.9-1-amd64")]
        self.assertEqual(built, [f"{major}.{minor}" for major, minor in known])

    def test_dkms_builds_for_a_kernel_without_a_third_number(self) -> None:
        self.assertTrue(re.search(exclusive(), "6.12-amd64"))
        self.assertFalse(re.search(exclusive(), "6.121.0-amd64"))


class Files(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.tree = Path(temporary.name)
        (self.tree / "a").write_text("text")

    def test_a_changed_file_changes_the_hash(self) -> None:
        first = deb.content(self.tree)
        (self.tree / "a").write_text("other")
        self.assertNotEqual(deb.content(self.tree), first)

    def test_a_renamed_file_changes_the_hash(self) -> None:
        first = deb.content(self.tree)
        (self.tree / "a").rename(self.tree / "b")
        self.assertNotEqual(deb.content(self.tree), first)

    def test_equal_trees_have_one_hash(self) -> None:
        first = deb.content(self.tree)
        (self.tree / "a").unlink()
        (self.tree / "a").write_text("text")
        self.assertEqual(deb.content(self.tree), first)

    def test_the_files_of_an_earlier_build_are_found_beside_its_sources(self) -> None:
        tree = self.tree / "vuser"
        tree.mkdir()
        (self.tree / "vuser_0.0.9_amd64.changes").write_text("")
        self.assertEqual({path.name for path in deb.beside(tree)},
                         {"a", "vuser_0.0.9_amd64.changes"})


class Versions(unittest.TestCase):
    def test_the_version_of_the_tree_is_that_of_the_header(self) -> None:
        header = (paths.TOP / "include/vuser-version.h").read_text(encoding="utf-8")
        self.assertIn(f'"{deb.version()}"', header)

    def test_the_version_of_the_tree_is_that_of_the_spec_of_rpm(self) -> None:
        spec = (paths.TOP / "rpm/vuser.spec").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^Version:\s*(\S+)$", spec, re.M), [deb.version()])

    def test_there_are_packages_for_each_release_but_the_next(self) -> None:
        table = kernels.load()
        self.assertEqual({one.release for one in table.checked if deb.able(one)},
                         {one.release for one in table.checked if not one.kernel_of})

    def test_only_the_main_root_builds_the_documentation(self) -> None:
        able = [one for one in kernels.load().checked if deb.able(one)]
        self.assertEqual([one.name for one in able if deb.kind(one) == "all"],
                         [kernels.main_kernel().name])

    def test_the_next_version_has_the_last_number_plus_one(self) -> None:
        self.assertEqual(deb.next_version("0.1.9"), "0.1.10")
