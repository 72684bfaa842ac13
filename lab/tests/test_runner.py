# SPDX-License-Identifier: GPL-2.0
"""Tests of runner.py: how the machines of a lab share its suites."""
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from vuserlab import kernels, paths, runner
from vuserlab.message import LabError
from vuserlab.suites import Suite


def suites(*names: str, init: str = "lab") -> list[Suite]:
    return [Suite(name, "a test", programs=["x"], init=init) for name in names]


class FakeMachine:
    def __init__(self) -> None:
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1


class FakeRunner:
    """Runs suites without a machine; the first two runners meet in their first suite."""

    def __init__(self, meeting: threading.Barrier | None = None,
                 error: LabError | None = None) -> None:
        self.machine = FakeMachine()
        self.meeting = meeting
        self.error = error
        self.ran: list[str] = []

    def run_all(self, queue: runner.Queue) -> None:
        while suite := queue.take("lab"):
            self.ran.append(suite.name)
            if self.meeting:
                self.meeting.wait(30)
                self.meeting = None
            if self.error:
                raise self.error


def pool(runners: list[Any], planned: list[Suite]) -> runner.Pool:
    return runner.Pool(runners, planned)


class QueueTest(unittest.TestCase):
    def test_suites_are_given_out_in_order(self) -> None:
        queue = runner.Queue(suites("a", "b"))
        taken = [queue.take("lab"), queue.take("lab")]
        self.assertEqual(["a", "b"], [suite.name for suite in taken if suite])
        self.assertIsNone(queue.take("lab"))

    def test_suite_of_the_same_init_is_preferred(self) -> None:
        queue = runner.Queue(suites("a") + suites("b", init="systemd"))
        first, second = queue.take("systemd"), queue.take("systemd")
        self.assertEqual("b", first and first.name)
        self.assertEqual("a", second and second.name)

    def test_closed_queue_gives_out_nothing(self) -> None:
        queue = runner.Queue(suites("a"))
        queue.close()
        self.assertIsNone(queue.take("lab"))


class PoolTest(unittest.TestCase):
    def test_two_machines_work_at_the_same_time(self) -> None:
        meeting = threading.Barrier(2)
        runners = [FakeRunner(meeting), FakeRunner(meeting)]
        pool(runners, suites("a", "b", "c", "d")).run()
        self.assertEqual(["a", "b", "c", "d"], sorted(runners[0].ran + runners[1].ran))
        self.assertTrue(runners[0].ran and runners[1].ran)

    def test_error_of_one_machine_closes_the_queue_and_is_raised(self) -> None:
        broken = FakeRunner(error=LabError("broken"))
        work = pool([broken], suites("a", "b"))
        with self.assertRaises(LabError):
            work.run()
        self.assertEqual(["a"], broken.ran)
        self.assertIsNone(work.queue.take("lab"))

    def test_all_machines_are_stopped_at_the_end(self) -> None:
        runners = [FakeRunner(), FakeRunner()]
        pool(runners, suites("a")).run()
        self.assertTrue(all(one.machine.stopped for one in runners))


class PartsTest(unittest.TestCase):
    def test_a_part_that_does_not_build_fails_its_suite_and_the_others_run(self) -> None:
        with tempfile.TemporaryDirectory() as directory, \
                mock.patch.object(paths, "CHECK", Path(directory)), \
                mock.patch.object(runner.build, "build", side_effect=LabError("broken")):
            one = runner.Runner(kernels.main_kernel())
            one.out.mkdir()
            ran: list[str] = []
            with mock.patch.object(one, "boot"), mock.patch.object(one, "progress"), \
                    mock.patch.object(one, "run", lambda suite: ran.append(suite.name)):
                one.run_all(runner.Queue([Suite("a", "It.", ["x"], parts=["deb"]),
                                          *suites("b")]))
            self.assertEqual(ran, ["b"])
            self.assertTrue(runner.failed(runner.read(one.out / "a.tap")))


if __name__ == "__main__":
    unittest.main()
