# SPDX-License-Identifier: GPL-2.0
"""The other pure parts: sources of apt, kernels' names and options, QEMU, benchmarks."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from vuserlab import (backports, bench, debugkernel, fuzz, host, kernels, lint, lists,
                      machine, mmdebstrap, paths, qemu, qemu_server, root)
from vuserlab.message import LabError


class Apt(unittest.TestCase):
    def test_lines_of_sources_list_are_read(self) -> None:
        text = ("# deb http://no/debian x main\n"
                "deb [signed-by=/k arch=amd64] http://a/debian bookworm main contrib\n"
                "deb-src http://b/debian bookworm main\n"
                "deb http://c/debian bookworm-updates contrib\n"
                "deb  http://d/debian/  trixie  main\n")
        self.assertEqual(list(host.one_line_sources(text)),
                         [("http://a/debian", "bookworm"), ("http://d/debian/", "trixie")])

    def test_paragraphs_of_deb822_are_read(self) -> None:
        text = ("Types: deb\nURIs: http://a/debian\nSuites: trixie trixie-updates\n"
                "Components: main contrib\n\n# comment\nTypes: deb\n"
                "uris: http://b/security\nsuites: trixie-security\nComponents: contrib\n")
        self.assertEqual(list(host.deb822_sources(text)),
                         [("http://a/debian", "trixie"),
                          ("http://a/debian", "trixie-updates")])

    def test_the_newest_kernel_of_backports_is_chosen_by_number(self) -> None:
        names = ["linux-image-7.2.9+deb13-amd64", "linux-image-7.2.12+deb13-amd64",
                 "linux-image-7.2.13+deb13-cloud-amd64", "linux-image-7.3.1+deb13-amd64"]
        self.assertEqual(backports.newest(names, r"7\.2\.[0-9]+\+deb13-amd64"),
                         "linux-image-7.2.12+deb13-amd64")

    def test_a_series_that_backports_no_longer_have_is_refused(self) -> None:
        with self.assertRaisesRegex(LabError, "no kernel that matches"):
            backports.newest(["linux-image-7.3.1+deb13-amd64"], r"7\.2\..*")


class Roots(unittest.TestCase):
    def test_packages_of_a_root_are_those_of_all_and_its_own(self) -> None:
        kernel = kernels.main_kernel()
        packages = root.packages(kernel)
        self.assertIn("ccache", packages)
        self.assertTrue(set(kernel.packages) <= set(packages))
        self.assertEqual(len(packages), len(set(packages)))

    def test_labs_of_other_packages_have_other_directories(self) -> None:
        names = {root.directory(kernel) for kernel in kernels.load().checked}
        self.assertEqual(len(names), len(kernels.load().checked))


class Options(unittest.TestCase):
    text = "# A comment.\nCONFIG_A=y\n# CONFIG_B is not set\n\nCONFIG_C=\"x\"\n"

    def test_comments_are_skipped_and_options_that_must_be_off_are_kept(self) -> None:
        self.assertEqual(debugkernel.options(self.text),
                         ["CONFIG_A=y", "# CONFIG_B is not set", 'CONFIG_C="x"'])

    def test_options_that_survived_are_not_lost(self) -> None:
        wanted = debugkernel.options(self.text)
        self.assertEqual(debugkernel.lost(wanted, 'CONFIG_C="x"\nCONFIG_A=y\n'), [])

    def test_an_option_that_vanished_or_changed_is_lost(self) -> None:
        wanted = debugkernel.options(self.text)
        self.assertEqual(debugkernel.lost(wanted, 'CONFIG_A=m\n'),
                         ["CONFIG_A=y", 'CONFIG_C="x"'])

    def test_an_option_that_is_on_though_it_must_be_off_is_lost(self) -> None:
        self.assertEqual(debugkernel.lost(["# CONFIG_B is not set"], "CONFIG_B=m\n"),
                         ["# CONFIG_B is not set"])
        self.assertEqual(debugkernel.lost(["# CONFIG_B is not set"], "CONFIG_BC=y\n"), [])


class Qemu(unittest.TestCase):
    state = paths.BUILD / "x/vm-y"

    def test_settings_of_the_environment_replace_defaults(self) -> None:
        chosen = qemu.settings(memory=4096, hugepages=64,
                               values={"MEMORY": "1024", "INIT": "systemd", "CPUS": ""})
        self.assertEqual(chosen, qemu.Settings(memory=1024, hugepages=64, init="systemd"))

    def test_a_setting_that_is_not_a_number_is_refused(self) -> None:
        with self.assertRaisesRegex(LabError, "MEMORY is a number, not '4G'"):
            qemu.settings(values={"MEMORY": "4G"})

    def test_unknown_clocks_and_inits_are_refused(self) -> None:
        with self.assertRaisesRegex(LabError, "CLOCK is"):
            qemu.settings(values={"CLOCK": "time"})
        with self.assertRaisesRegex(LabError, "INIT is"):
            qemu.settings(values={"INIT": "sysvinit"})

    def test_a_clock_of_instructions_is_emulated_even_with_kvm(self) -> None:
        words = qemu.accelerator("instructions", kvm=True)
        self.assertIn("-icount", words)
        self.assertNotIn("kvm", words)

    def test_kvm_is_used_if_it_works(self) -> None:
        self.assertIn("kvm", qemu.accelerator("", kvm=True))
        self.assertNotIn("kvm", qemu.accelerator("", kvm=False))

    def test_the_kernel_command_line_names_lab_keys_and_init(self) -> None:
        line = qemu.kernel_command_line(kernels.main_kernel(),
                                        qemu.Settings(hugepages=7, append="a=b"),
                                        self.state)
        for word in ("vuser.state=build/x/vm-y", "vuser.init=lab", "hugepages=7", "a=b",
                     f"vuser.lab={kernels.main_kernel().name}"):
            self.assertIn(word, line.split())

    def test_the_command_names_the_console_by_which_a_machine_is_recognized(self) -> None:
        one = machine.Machine(kernels.main_kernel(), "unit")
        words = qemu.command(Path("/r"), one.kernel, Path("/i"), one.state,
                             qemu.Settings(), 1234)
        self.assertIn(f"file:{one.console}", words)
        self.assertTrue(any("127.0.0.1:1234-:22" in word for word in words))

    def test_a_machine_that_was_never_started_is_not_alive(self) -> None:
        one = machine.Machine(kernels.main_kernel(), "unit-never")
        self.assertFalse(one.alive())
        one.stop()
        with self.assertRaisesRegex(LabError, "is not running"):
            one.ssh(["true"])


class QemuServer(unittest.TestCase):
    def test_another_version_of_the_source_package_has_another_directory(self) -> None:
        self.assertNotEqual(qemu_server.directory("1:10.0.1"),
                            qemu_server.directory("1:10.0.2"))

    def test_other_packages_have_another_directory(self) -> None:
        before = qemu_server.directory("1:10.0.1")
        with mock.patch.object(lists, "packages", lambda _name: ["gcc"]):
            self.assertNotEqual(qemu_server.directory("1:10.0.1"), before)

    def test_its_root_has_the_compilers_and_gets_the_named_source(self) -> None:
        words = qemu_server.mmdebstrap_command("trixie", "1:10.0.1", Path("/r"),
                                               "http://m/debian")
        self.assertIn("deb-src http://m/debian trixie main", words)
        self.assertTrue(any(word.endswith("qemu=1:10.0.1") for word in words))
        self.assertTrue(any("meson" in word for word in words
                            if word.startswith("--include=")))


class Mmdebstrap(unittest.TestCase):
    @unittest.skipIf(os.geteuid(), "only root can have a mount namespace of its own")
    def test_its_mounts_end_with_it(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            fake = Path(directory, "mmdebstrap")
            fake.write_text("#!/bin/sh\nreadlink /proc/self/ns/mnt\n", encoding="utf-8")
            fake.chmod(0o755)
            words = mmdebstrap.command("trixie", ["gcc"], Path("/r"), "http://m/debian")
            seen = subprocess.run(words, env={"PATH": f"{directory}:{os.environ['PATH']}"},
                                  stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertNotIn(os.readlink("/proc/self/ns/mnt"), seen)
        self.assertRegex(seen, r"^mnt:")


class Bench(unittest.TestCase):
    row = {"name": "n", "value": 12.34567, "unit": "us", "baseline": 10, "ratio": 1.2345,
           "limit": 1.3, "floor": None}

    def test_numbers_have_three_decimals_at_most(self) -> None:
        self.assertEqual([bench.number(value) for value in (None, 3.0, 12.34567, 0.0004)],
                         ["-", "3", "12.346", "0"])

    def test_a_row_shows_value_baseline_ratio_and_aim(self) -> None:
        self.assertEqual(bench.cells(self.row), ("n", "12.346 us", "10 us", "1.235",
                                                 "1.3 or less", "yes"))

    def test_a_ratio_above_its_limit_is_not_reached(self) -> None:
        self.assertEqual(bench.reached({**self.row, "ratio": 1.31}), "NO")

    def test_a_ratio_below_its_floor_is_not_reached(self) -> None:
        row = {**self.row, "limit": None, "floor": 0.95}
        self.assertEqual(bench.reached({**row, "ratio": 0.94}), "NO")
        self.assertEqual(bench.reached({**row, "ratio": 0.95}), "yes")

    def test_a_row_without_an_aim_has_an_empty_last_column(self) -> None:
        row = {"name": "n", "value": 1, "unit": "ms", "baseline": None, "ratio": None}
        self.assertEqual(bench.cells(row), ("n", "1 ms", "-", "-", "-", ""))

    def test_an_interval_is_shown_with_its_ratio(self) -> None:
        row = {**self.row, "low": 1.1, "high": 1.25}
        self.assertEqual(bench.cells(row)[3], "1.235 (1.1 to 1.25)")

    def test_columns_are_aligned_and_a_long_name_does_not_join_the_next(self) -> None:
        lines = bench.table([{**self.row, "name": "x" * 80}, self.row]).splitlines()
        self.assertEqual(lines[0].index("value"), lines[2].index("12.346"))
        self.assertIn("x 12.346", lines[1])

    def test_a_pattern_without_a_benchmark_is_refused(self) -> None:
        with self.assertRaisesRegex(LabError, "no benchmark matches"):
            bench.scripts("99-*")


class Fuzz(unittest.TestCase):
    def test_an_unknown_fuzzer_is_refused_with_the_names_there_are(self) -> None:
        with self.assertRaisesRegex(LabError, "no fuzzer 'serverr'; .* server .*random"):
            fuzz.harnesses("serverr")

    def test_the_random_tester_is_not_a_harness(self) -> None:
        self.assertEqual(fuzz.harnesses("random server"), ["server"])

    def test_all_harnesses_are_found(self) -> None:
        self.assertIn("insn", fuzz.harnesses(""))


class Lint(unittest.TestCase):
    def test_marks_of_unfinished_work_are_found_as_words_only(self) -> None:
        self.assertTrue(lint.MARKS.search("/* TO" "DO: later */"))
        self.assertFalse(lint.MARKS.search("the word TO" "DOS"))

    def test_sources_are_found_below_a_pattern_and_build_is_left_out(self) -> None:
        found = lint.sources("lab/*.toml", "build/*")
        self.assertIn("lab/kernels.toml", found)
        self.assertFalse([path for path in found if path.startswith("build/")])

    def test_programs_without_an_extension_are_known_by_their_first_line(self) -> None:
        self.assertIn("lab/check", lint.scripts(lint.PYTHON))
        self.assertIn("lab/vm/init", lint.scripts(lint.SHELL))


class Clock(unittest.TestCase):
    def wrong(self, console: bytes) -> bool:
        with tempfile.NamedTemporaryFile() as file:
            file.write(console)
            file.flush()
            return machine.clock_is_wrong(Path(file.name))

    def test_two_results_that_differ_are_a_wrong_clock(self) -> None:
        self.assertTrue(self.wrong(
            b"[    0.052000] tsc: PIT calibration deviates from HPET: 338221 2596194\r\n"
            b"[    0.056000] tsc: Detected 338.221 MHz processor\r\n"))

    def test_one_result_is_a_right_clock(self) -> None:
        self.assertFalse(self.wrong(
            b"[    0.072000] tsc: Unable to calibrate against PIT\r\n\xff"
            b"[    0.072000] tsc: Detected 2596.224 MHz processor\r\n"))


LOST_TIMER = (b"[  334.266010] rcu: rcu_preempt kthread timer wakeup didn't happen for 5251"
              b" jiffies! g-1127 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x402\r\n")


class SlowMachine(machine.Machine):
    """A machine whose first boot takes too long, and prints TEXT on the console."""

    def __init__(self, directory: str, text: bytes) -> None:
        super().__init__(kernels.main_kernel())
        self.console = Path(directory) / "console.log"
        self.text = text
        self.boots = 0

    def _boot(self, settings: qemu.Settings) -> None:
        self.boots += 1
        self.console.write_bytes(self.text if self.boots == 1 else b"")
        if self.boots == 1:
            raise machine.TooSlow("it took over 1 s")


class Timer(unittest.TestCase):
    def boots(self, text: bytes) -> int:
        with tempfile.TemporaryDirectory() as directory:
            one = SlowMachine(directory, text)
            one.start(qemu.settings())
            return one.boots

    def test_a_machine_that_loses_a_timer_interrupt_boots_again(self) -> None:
        self.assertEqual(self.boots(LOST_TIMER), 2)

    def test_a_boot_that_takes_long_for_another_reason_is_a_failure(self) -> None:
        with self.assertRaises(machine.TooSlow):
            self.boots(b"[    0.072000] tsc: Detected 2596.224 MHz processor\r\n")
