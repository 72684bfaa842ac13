# SPDX-License-Identifier: GPL-2.0
"""Sums of TAP."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from vuserlab import paths, tap


def sums(text: str) -> tuple[int, int, int]:
    one = tap.read("x", text)
    return one.passed, one.failed, one.skipped


class Sums(unittest.TestCase):
    def test_results_of_all_kinds_are_counted(self) -> None:
        self.assertEqual(sums("1..4\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP no device\n"
                              "ok 4 - d # XFAIL known\n"), (1, 1, 2))

    def test_a_file_without_a_plan_fails(self) -> None:
        self.assertEqual(sums("ok 1 - a\n"), (1, 1, 0))

    def test_fewer_results_than_planned_are_a_failure(self) -> None:
        self.assertEqual(sums("1..2\nok 1 - a\n"), (1, 1, 0))

    def test_more_results_than_planned_are_a_failure(self) -> None:
        self.assertEqual(sums("1..1\nok 1 - a\nok 2 - b\n"), (2, 1, 0))

    def test_plans_of_several_programs_in_one_file_add_up(self) -> None:
        self.assertEqual(sums("TAP version 13\n1..1\nok 1 - a\nTAP version 13\n1..2\n"
                              "ok 1 - b\nok 2 - c\n"), (3, 0, 0))

    def test_an_empty_file_fails(self) -> None:
        self.assertEqual(sums(""), (0, 1, 0))

    def test_bail_out_fails(self) -> None:
        self.assertEqual(sums("1..1\nok 1 - a\nBail out! not done in 5 s\n"), (1, 1, 0))

    def test_a_plan_of_nothing_is_a_skip_with_its_reason(self) -> None:
        one = tap.read("x", "1..0 # SKIP no iommufd\n")
        self.assertEqual((one.passed, one.failed, one.skipped), (0, 0, 1))
        self.assertEqual(one.skips, ["skipped: x: all of it: no iommufd"])

    def test_a_result_without_a_description_counts(self) -> None:
        self.assertEqual(sums("1..2\nok\nnot ok\n"), (1, 1, 0))

    def test_words_that_only_begin_like_a_result_do_not_count(self) -> None:
        self.assertEqual(sums("1..0\nokay\nnot okay\n"), (0, 0, 1))

    def test_carriage_returns_are_removed(self) -> None:
        one = tap.read("x", "1..1\r\nnot ok 1 - a\r\n")
        self.assertEqual(one.failures, ["FAILED:  x: 1 - a"])


class Reasons(unittest.TestCase):
    def test_three_comments_before_a_failure_are_its_reasons(self) -> None:
        one = tap.read("x", "1..1\n# 0\n# 1\n# 2\n# 3\nnot ok 1 - a\n")
        self.assertEqual(one.failures, ["FAILED:  x: 1 - a"]
                         + [f"         {number}" for number in (1, 2, 3)])

    def test_three_comments_after_a_failure_are_its_reasons(self) -> None:
        one = tap.read("x", "1..1\nnot ok 1 - a\n# 1\n# 2\n# 3\n# 4\n")
        self.assertEqual(one.failures[1:], ["         1", "         2", "         3"])

    def test_comments_of_a_test_that_passed_are_ignored(self) -> None:
        one = tap.read("x", "1..2\n# 1\nok 1 - a\nnot ok 2 - b\n")
        self.assertEqual(one.failures, ["FAILED:  x: 2 - b"])

    def test_the_start_of_the_next_test_ends_the_reasons(self) -> None:
        one = tap.read("x", "1..1\nnot ok 1 - a\n#  RUN           b\n# of b\n")
        self.assertEqual(one.failures, ["FAILED:  x: 1 - a"])

    def test_expectations_of_a_test_in_c_are_taken_from_its_log(self) -> None:
        log = "# /vuser/selftests/irq_test.c:7:a:Expected 1\nnoise\n# x.h:1: no\n"
        self.assertEqual(tap.expectations(log),
                         ["         selftests/irq_test.c:7:a:Expected 1"])

    def test_five_expectations_at_most_are_shown(self) -> None:
        self.assertEqual(len(tap.expectations("# a.c:1: x\n" * 9)), 5)


class Files(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = Path(directory.name)

    def report(self, *names: str) -> tuple[int, list[str]]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = tap.report(self.here / name for name in names)
        return status, out.getvalue().splitlines()

    def test_the_last_line_has_the_sums_of_all_files(self) -> None:
        (self.here / "a.tap").write_text("1..1\nok 1 - a\n")
        (self.here / "b.tap").write_text("1..2\nok 1 - a\nok 2 # SKIP b\n")
        status, lines = self.report("a.tap", "b.tap")
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed, 1 skipped"))

    def test_a_failure_makes_the_report_fail(self) -> None:
        (self.here / "a.tap").write_text("1..2\nok 1 - a\nnot ok 2 - b\n")
        self.assertEqual(self.report("a.tap")[0], 1)

    def test_a_report_of_skips_alone_fails(self) -> None:
        (self.here / "a.tap").write_text("1..1\nok 1 # SKIP a\n")
        self.assertEqual(self.report("a.tap")[0], 1)

    def test_a_report_of_no_file_fails(self) -> None:
        self.assertEqual(self.report(), (1, ["0 passed, 0 failed, 0 skipped"]))

    def test_a_file_that_is_missing_fails(self) -> None:
        self.assertEqual(self.report("none.tap")[0], 1)

    def test_bytes_that_are_not_valid_text_are_accepted(self) -> None:
        (self.here / "a.tap").write_bytes(b"1..1\nok 1 - \xff\n")
        self.assertEqual(self.report("a.tap")[0], 0)

    def test_a_file_of_a_check_is_named_by_its_place_there(self) -> None:
        one = tap.read_file(paths.CHECK / "6.12/no-such-file.tap")
        self.assertEqual(one.name, "6.12/no-such-file")

    def test_the_log_beside_a_file_that_failed_is_read(self) -> None:
        (self.here / "a.tap").write_text("1..1\nnot ok 1 - a\n")
        (self.here / "a.log").write_text("# a.c:3: Expected 1 == 2\n")
        self.assertIn("         a.c:3: Expected 1 == 2", self.report("a.tap")[1])
