# SPDX-License-Identifier: GPL-2.0
"""The tables of kernels and suites, and which suites run where."""
import unittest
from typing import Any

from vuserlab import kernels, suites
from vuserlab.message import LabError


def kernel_values() -> dict[str, Any]:
    """A small table of kernels, as TOML gives it."""
    return {
        "main": "2",
        "source": {"series": "3", "package": "linux-source-3", "release": "new"},
        "kernel": {
            "1": {"release": "old", "capabilities": ["a"]},
            "2": {"release": "new", "capabilities": ["a"]},
            "3": {"release": "new", "capabilities": ["a", "b"], "programs": "2"},
            "next": {"release": "next", "capabilities": ["a", "b"], "kernel_of": "3"},
            "own": {"base": "3", "config": "c", "capabilities": ["fault"]},
        },
    }


def places(**values: Any) -> list[str]:
    """The names of the kernels that a suite with these values runs on."""
    table = kernels.parse(kernel_values())
    values = {"about": "It.", "programs": ["x"], **values}
    one = suites.parse({"s": values}, table)[0]
    return [kernel.name for kernel in suites.places(one, table)]


class Kernels(unittest.TestCase):
    def refused(self, text: str, change: Any) -> None:
        values = kernel_values()
        change(values)
        with self.assertRaisesRegex(LabError, text):
            kernels.parse(values)

    def test_the_table_of_the_tree_is_good(self) -> None:
        table = kernels.load()
        self.assertIn(table.main, table.kernels)
        self.assertTrue(table.checked)

    def test_a_kernel_of_our_own_has_the_release_of_its_base(self) -> None:
        self.assertEqual(kernels.parse(kernel_values())["own"].release, "new")

    def test_only_kernels_of_debian_are_checked(self) -> None:
        table = kernels.parse(kernel_values())
        self.assertEqual([kernel.name for kernel in table.checked], ["1", "2", "3", "next"])
        self.assertEqual([kernel.name for kernel in table.own], ["own"])

    def test_the_main_kernel_is_checked_first_then_those_with_its_programs(self) -> None:
        table = kernels.parse(kernel_values())
        self.assertEqual([kernel.name for kernel in table.in_turn], ["2", "3", "1", "next"])

    def test_the_name_of_an_unknown_lab_is_refused_with_the_names_there_are(self) -> None:
        table = kernels.parse(kernel_values())
        with self.assertRaisesRegex(LabError, "no lab '9'; the labs are: 1 2 3 next own"):
            table.choose("1 9")

    def test_the_first_capable_kernel_is_found(self) -> None:
        table = kernels.parse(kernel_values())
        self.assertEqual(table.capable("b").name, "3")
        with self.assertRaisesRegex(LabError, "capability 'c'"):
            table.capable("c")

    def test_an_unknown_key_is_refused(self) -> None:
        self.refused("kernel 1: unknown key 'relaese'",
                     lambda values: values["kernel"]["1"].update(relaese="x"))

    def test_a_value_of_a_wrong_type_is_refused(self) -> None:
        self.refused("'memory' has a value of the wrong type",
                     lambda values: values["kernel"]["1"].update(memory="much"))
        self.refused("'packages' has a value of the wrong type",
                     lambda values: values["kernel"]["1"].update(packages=[1]))
        self.refused("'slowness' has a value of the wrong type",
                     lambda values: values["kernel"]["1"].update(slowness=True))

    def test_a_missing_release_is_refused(self) -> None:
        self.refused("kernel 1: 'release' is missing",
                     lambda values: values["kernel"]["1"].pop("release"))

    def test_a_base_that_is_not_above_is_refused(self) -> None:
        self.refused("its base '4' is not above",
                     lambda values: values["kernel"]["own"].update(base="4"))

    def test_a_kernel_of_our_own_without_a_configuration_is_refused(self) -> None:
        self.refused("'config' is missing",
                     lambda values: values["kernel"]["own"].pop("config"))

    def test_programs_of_a_kernel_that_is_not_above_are_refused(self) -> None:
        self.refused("'programs' names '9'",
                     lambda values: values["kernel"]["3"].update(programs="9"))

    def test_a_kernel_that_is_that_of_a_lab_not_above_is_refused(self) -> None:
        self.refused("'kernel_of' names '9'",
                     lambda values: values["kernel"]["next"].update(kernel_of="9"))

    def test_a_main_kernel_that_is_not_debians_is_refused(self) -> None:
        self.refused("'main'", lambda values: values.update(main="own"))
        self.refused("'main'", lambda values: values.pop("main"))


class Places(unittest.TestCase):
    def test_a_suite_runs_on_every_kernel_by_default(self) -> None:
        self.assertEqual(places(needs=["a"]), ["1", "2", "3"])
        self.assertEqual(places(), ["1", "2", "3", "own"])

    def test_a_suite_for_releases_runs_on_the_oldest_kernel_of_each(self) -> None:
        self.assertEqual(places(where="releases"), ["1", "2", "own"])

    def test_a_suite_for_newest_kernels_runs_on_the_newest_of_each_release(self) -> None:
        self.assertEqual(places(where="releases-newest", debug=False), ["1", "3"])

    def test_a_suite_for_the_main_kernel_runs_there_only(self) -> None:
        self.assertEqual(places(where="main", debug=False), ["2"])

    def test_a_suite_that_the_main_kernel_is_not_capable_of_runs_on_another(self) -> None:
        self.assertEqual(places(where="main", needs=["b"]), ["3"])

    def test_a_suite_of_user_land_also_runs_in_labs_with_the_kernel_of_another(self) -> None:
        self.assertEqual(places(where="main", user_land=True, debug=False), ["2", "next"])
        self.assertEqual(places(needs=["b"], user_land=True), ["3", "next"])
        self.assertEqual(places(needs=["fault"], user_land=True), ["own"])

    def test_a_suite_that_only_our_own_kernel_is_capable_of_runs_there(self) -> None:
        self.assertEqual(places(needs=["fault"]), ["own"])


class Suites(unittest.TestCase):
    def refused(self, text: str, **values: Any) -> None:
        values = {"about": "It.", "programs": ["x"], **values}
        with self.assertRaisesRegex(LabError, text):
            suites.parse({"s": values}, kernels.parse(kernel_values()))

    def test_the_table_of_the_tree_is_good_and_each_suite_runs_somewhere(self) -> None:
        table = kernels.load()
        for suite in suites.load(table):
            with self.subTest(suite.name):
                self.assertTrue(suites.places(suite, table))

    def test_programs_and_scripts_in_the_table_of_the_tree_exist(self) -> None:
        for suite in suites.load(kernels.load()):
            with self.subTest(suite.name):
                self.assertTrue((suites.paths.TOP / suite.command[0]).is_file())
                for program in suite.programs:
                    name = program.split()[0]
                    self.assertTrue((suites.paths.SELFTESTS / f"{name}.c").is_file()
                                    or "/" in name, name)

    def test_each_script_is_named_by_the_table(self) -> None:
        named = {suite.command[0] for suite in suites.load(kernels.load())}
        for script in (suites.paths.SELFTESTS / "suites").glob("*.sh"):
            self.assertIn(f"selftests/suites/{script.name}", named)

    def test_each_test_program_is_run_by_a_suite(self) -> None:
        text = " ".join(" ".join(suite.programs) for suite in suites.load(kernels.load()))
        for script in (suites.paths.SELFTESTS / "suites").glob("*.sh"):
            text += script.read_text(encoding="utf-8")
        for source in suites.paths.SELFTESTS.glob("*_test.c"):
            self.assertIn(source.stem, text)

    def test_a_suite_has_either_programs_or_a_script(self) -> None:
        self.refused("either 'programs' or 'script'", script="suites/s.sh")
        self.refused("either 'programs' or 'script'", programs=[])

    def test_an_unknown_place_is_refused(self) -> None:
        self.refused("'where' is one of", where="somewhere")

    def test_a_capability_that_no_kernel_has_is_refused(self) -> None:
        self.refused("no kernel has the capability 'iomufd'", needs=["iomufd"])

    def test_numbers_out_of_range_are_refused(self) -> None:
        self.refused("out of range", timeout=0)
        self.refused("out of range", cpus=3)
        self.refused("out of range", hugepages=-1)

    def test_an_unknown_init_is_refused(self) -> None:
        self.refused("'init' is one of", init="openrc")

    def test_an_unknown_part_is_refused(self) -> None:
        self.refused("no part 'debs'", parts=["debs"])

    def test_programs_and_modules_become_one_command(self) -> None:
        one = suites.Suite("s", "It.", programs=["a -t x", "b"], modules=["fuse"])
        self.assertEqual(one.command,
                         ["selftests/programs.sh", "-m", "fuse", "a -t x", "b"])

    def test_suites_are_listed_for_a_kernel_that_is_capable_of_them(self) -> None:
        some = [suites.Suite("1-a", "It.", programs=["a"]),
                suites.Suite("2-b", "It.", programs=["b -t x"], needs=["iommufd"])]
        self.assertEqual(suites.listing(some, []), "1-a\tselftests/programs.sh a\n")
        self.assertEqual(suites.listing(some, ["iommufd"]).splitlines()[1],
                         "2-b\tselftests/programs.sh 'b -t x'")


class Selection(unittest.TestCase):
    some = [suites.Suite(name, "It.", programs=["x"]) for name in ("10-a", "11-b", "20-c")]

    def names(self, patterns: str) -> list[str]:
        return [suite.name for suite in suites.select(self.some, patterns)]

    def test_no_pattern_selects_all(self) -> None:
        self.assertEqual(self.names(""), ["10-a", "11-b", "20-c"])

    def test_patterns_select_what_any_of_them_matches(self) -> None:
        self.assertEqual(self.names("1* 20-c"), ["10-a", "11-b", "20-c"])
        self.assertEqual(self.names("1?-a"), ["10-a"])

    def test_the_name_of_a_script_selects_its_suite(self) -> None:
        self.assertEqual(self.names("10-*.sh"), ["10-a"])

    def test_a_pattern_without_a_match_is_refused_with_the_names_there_are(self) -> None:
        with self.assertRaisesRegex(LabError, "no suite matches '3.'; .* 10-a 11-b 20-c"):
            self.names("10-* 3*")

    def test_suites_of_one_machine_are_together_most_huge_pages_first(self) -> None:
        table = kernels.parse(kernel_values())
        some = suites.parse({
            "1": {"about": "It.", "programs": ["x"], "init": "systemd"},
            "2": {"about": "It.", "programs": ["x"]},
            "3": {"about": "It.", "programs": ["x"], "hugepages": 8},
            "4": {"about": "It.", "programs": ["x"], "needs": ["b"]},
            "5": {"about": "It.", "programs": ["x"]},
        }, table)
        planned = suites.plan(some, table, table["2"])
        self.assertEqual([suite.name for suite in planned], ["3", "2", "5", "1"])
