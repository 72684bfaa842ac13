# SPDX-License-Identifier: GPL-2.0
"""The matrix of consumers and servers, and its comparison with results."""
import tempfile
import unittest
from pathlib import Path

from vuserlab import kernels, matrix
from vuserlab.message import LabError

OLD = "55-dpdk: 6.12 6.12: DPDK 24.11 -> vuser-ioat"
NEW = "55-dpdk: 6.12 6.12: DPDK 25.11 -> vuser-ioat"
OTHER = "66-gpio: 6.12 6.12: vuser's tests -> gpio of the crate vfio_user 0.1.5"
PLANNED = {("55-dpdk", "6.12"), ("66-gpio", "6.12")}


def facts(*lines: str) -> matrix.Facts:
    return {matrix.parse(line) for line in lines}


def runs(*lines: str) -> dict[matrix.Run, matrix.Facts]:
    return {fact.run: {fact} for fact in facts(*lines)}


class Lines(unittest.TestCase):
    def test_a_line_has_all_fields_and_is_written_as_it_was_read(self) -> None:
        fact = matrix.parse(OTHER)
        self.assertEqual((fact.suite, fact.lab, fact.kernel), ("66-gpio", "6.12", "6.12"))
        self.assertEqual((fact.consumer, fact.consumer_version), ("vuser's tests", None))
        self.assertEqual((fact.server, fact.server_version),
                         ("gpio of the crate vfio_user", "0.1.5"))
        self.assertEqual(str(fact), OTHER)

    def test_another_line_is_refused(self) -> None:
        with self.assertRaisesRegex(LabError, "not a line of the matrix: 55-dpdk: DPDK"):
            matrix.parse("55-dpdk: DPDK")

    def test_facts_are_found_in_tap(self) -> None:
        text = "ok 1 - a\n# tested: 6.12 6.12: DPDK 24.11 -> vuser-ioat\n1..1\n"
        self.assertEqual(matrix.of_tap("55-dpdk", text), facts(OLD))

    def test_a_file_is_read_as_it_was_written(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "matrix"
            matrix.write(facts(OLD, OTHER), path)
            self.assertEqual(matrix.load(path), facts(OLD, OTHER))

    def test_the_file_of_the_tree_names_only_suites_and_labs_that_run(self) -> None:
        planned = matrix.runs(kernels.load())
        for fact in matrix.load():
            self.assertIn(fact.run, planned)


class Comparison(unittest.TestCase):
    def different(self, committed: matrix.Facts, found: dict[matrix.Run, matrix.Facts],
                  *moving: str) -> tuple[list[str], list[str]]:
        return matrix.differences_but_for(set(moving), committed, PLANNED, found)

    def test_equal_facts_do_not_differ(self) -> None:
        self.assertEqual(self.different(facts(OLD), runs(OLD)), ([], []))

    def test_a_suite_without_results_is_not_compared(self) -> None:
        self.assertEqual(self.different(facts(OLD, OTHER), runs(OLD)), ([], []))

    def test_a_new_fact_is_missing_in_the_file(self) -> None:
        self.assertEqual(self.different(facts(OLD), runs(OLD, OTHER)), ([], [f"+ {OTHER}"]))

    def test_a_fact_that_no_suite_printed_is_wrong(self) -> None:
        self.assertEqual(self.different(facts(OLD), {("55-dpdk", "6.12"): set()}),
                         ([f"- {OLD}"], []))

    def test_a_fact_of_a_suite_that_no_longer_exists_is_wrong(self) -> None:
        gone = "99-gone: 6.12 6.12: A -> B"
        self.assertEqual(self.different(facts(gone), {}), ([f"- {gone}"], []))

    def test_another_version_is_wrong_where_versions_stay(self) -> None:
        self.assertEqual(self.different(facts(OLD), runs(NEW)),
                         ([f"- {OLD}"], [f"+ {NEW}"]))

    def test_another_version_is_good_where_packages_move(self) -> None:
        self.assertEqual(self.different(facts(OLD), runs(NEW), "6.12"), ([], []))

    def test_only_a_suite_without_a_failure_has_results(self) -> None:
        line = "# tested: 6.12 6.12: DPDK 24.11 -> vuser-ioat\n"
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "6.12/55-dpdk.tap"
            path.parent.mkdir()
            path.write_text(f"ok 1 - a\n{line}1..1\n")
            self.assertEqual(matrix.results(PLANNED, Path(name)), runs(OLD))
            path.write_text(f"not ok 1 - a\n{line}1..1\n")
            self.assertEqual(matrix.results(PLANNED, Path(name)), {})

    def test_results_replace_the_lines_of_their_suites_only(self) -> None:
        self.assertEqual(matrix.updated(facts(OLD, OTHER), PLANNED, runs(NEW)),
                         facts(NEW, OTHER))


class Tables(unittest.TestCase):
    def test_consumers_go_down_and_servers_across_own_servers_first(self) -> None:
        newer = "55-dpdk: forky 7.2: DPDK 25.11 -> vuser-ioat"
        self.assertEqual(matrix.tables(facts(OLD, newer, OTHER), 2), [[
            [[""], ["vuser-ioat"], ["gpio of the crate vfio_user"]],
            [["DPDK"], ["24.11: 6.12", "25.11: 7.2 (forky)"], []],
            [["vuser's tests"], [], ["0.1.5: 6.12"]]]])

    def test_a_table_leaves_out_consumers_of_other_servers(self) -> None:
        self.assertEqual([len(rows) for rows in matrix.tables(facts(OLD, OTHER), 1)],
                         [2, 2])
