# SPDX-License-Identifier: GPL-2.0
"""Keys of the cache, its entries, and what is swept."""
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from vuserlab import cache, lists, paths
from vuserlab.message import LabError


class Keys(unittest.TestCase):
    def test_equal_inputs_have_one_key(self) -> None:
        self.assertEqual(cache.key(1, {"a": 1, "b": 2}), cache.key(1, {"b": 2, "a": 1}))

    def test_other_inputs_have_another_key(self) -> None:
        self.assertNotEqual(cache.key(1, ["a"]), cache.key(2, ["a"]))
        self.assertNotEqual(cache.key("a", "b"), cache.key("ab"))

    def test_comments_and_blank_lines_of_a_script_are_not_its_code(self) -> None:
        first = "#!/bin/sh\n# One.\n\nset -e\n\techo '# no comment'\n"
        second = "#!/bin/sh\n# Another.\nset -e\necho '# no comment'\n"
        self.assertEqual(lists.code(first), lists.code(second))
        self.assertEqual(lists.code(first), ["set -e", "echo '# no comment'"])


class Entries(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = Path(directory.name) / "kinds"
        self.addCleanup(mock.patch.stopall)
        mock.patch.object(paths, "CACHE", Path(directory.name)).start()
        mock.patch.object(cache.host, "install").start()
        mock.patch.object(cache.process, "need_root").start()
        self.before = cache.descriptors()
        self.addCleanup(self.release)

    def release(self) -> None:
        for descriptor in cache.descriptors():
            if descriptor not in self.before:
                os.close(descriptor)
                cache._held.remove(descriptor)

    def make(self, name: str) -> Path:
        return cache.entry(self.here / name, lambda new: None)

    def test_an_entry_is_made_once(self) -> None:
        calls = []
        for _ in range(2):
            cache.entry(self.here / "x-1", calls.append)
        self.assertEqual([path.name for path in calls], ["x-1.new"])

    def test_an_entry_that_failed_is_not_there_and_can_be_made_again(self) -> None:
        def fail(new: Path) -> None:
            (new / "half").touch()
            raise LabError("no")

        with self.assertRaises(LabError):
            cache.entry(self.here / "x-1", fail)
        self.assertFalse((self.here / "x-1").exists())
        self.assertEqual(list(self.make("x-1").iterdir()), [])

    def test_an_entry_that_is_wanted_twice_at_once_is_made_once(self) -> None:
        calls = []
        threads = [threading.Thread(target=cache.entry,
                                    args=[self.here / "x-1", calls.append])
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(calls), 1)

    def test_entries_of_earlier_inputs_are_swept(self) -> None:
        old, new = self.make("x-1"), self.make("x-2")
        other = self.make("xy-1")
        cache.sweep(new)
        self.assertFalse(old.exists())
        self.assertTrue(new.exists() and other.exists())

    def test_leftovers_of_an_interrupted_command_are_swept(self) -> None:
        (self.here / "x-1.new").mkdir(parents=True)
        (self.here / "x-1.old").mkdir()
        cache.sweep(self.make("x-2"))
        self.assertEqual([path.name for path in self.here.iterdir()], ["x-2"])

    def test_an_entry_that_is_held_is_not_swept(self) -> None:
        old, new = self.make("x-1"), self.make("x-2")
        self.assertTrue(cache.hold(old))
        cache.sweep(new)
        self.assertTrue(old.exists())

    def test_a_child_with_the_descriptors_holds_an_entry_after_its_parent(self) -> None:
        old, new = self.make("x-1"), self.make("x-2")
        cache.hold(old)
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                                 pass_fds=cache.descriptors())
        self.release()
        cache.sweep(new)
        self.assertTrue(old.exists())
        child.communicate(b"\n")
        cache.sweep(new)
        self.assertFalse(old.exists())

    def test_nothing_is_swept_while_such_an_entry_is_made(self) -> None:
        old, new = self.make("x-1"), self.make("x-2")
        with cache.lock(cache.lock_of(new)):
            cache.sweep(new)
        self.assertTrue(old.exists())

    def test_an_entry_that_is_gone_cannot_be_held(self) -> None:
        self.assertFalse(cache.hold(self.here / "x-1"))

    def test_an_entry_that_was_swept_before_it_was_held_is_made_again(self) -> None:
        path = self.make("x-1")
        flock = fcntl.flock

        def sweep_first(descriptor: int, operation: int) -> None:
            mock.patch.stopall()
            self.enterContext(mock.patch.object(paths, "CACHE", self.here.parent))
            self.enterContext(mock.patch.object(cache.host, "install"))
            self.enterContext(mock.patch.object(cache.process, "need_root"))
            path.rename(self.here / "x-1.old")
            flock(descriptor, operation)

        mock.patch.object(cache.fcntl, "flock", sweep_first).start()
        calls = []
        self.assertEqual(cache.held_entry(path, calls.append), path)
        self.assertEqual(len(calls), 1)
        self.assertTrue(path.exists())
