# SPDX-License-Identifier: GPL-2.0
"""Run the suites of one lab in its virtual machine.

Results are files in build/check/LAB; what is printed only shows progress.
"""
import os
from pathlib import Path

from . import kernels, machine, paths, process, qemu, suites, tap
from .entry import Usage
from .kernels import Kernel
from .message import Clock, LabError
from .suites import Suite

# Two emulated processors take twice the time of one, whatever they do: they wait for each
# other, on a host that has no more of them. So only suites that ask for two have two.
EMULATED_CPUS = 1
# A page of 1 GiB is not to be had later.
APPEND = "hugepagesz=1G hugepages=1"
AFTER_LIMIT = 180  # seconds, as all that follow times the lab's slowness
GRACE = 60


def failed(text: str) -> bool:
    """Whether a TAP file has a failure of its own."""
    return any(line.startswith(("not ok", "Bail")) for line in text.splitlines())


def read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


class Runner:
    """The machine of a lab and the directory of its results."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.slowness = kernels.slowness(kernel)
        self.machine = machine.named(kernel, "check")
        self.out = paths.CHECK / kernel.name
        self.init = ""

    def progress(self, text: str) -> None:
        print(f"{self.kernel.name:<5} {text}", flush=True)

    def boot(self, suite: Suite) -> None:
        """Boot a machine that a suite can run in."""
        clock = Clock()
        self.machine.stop()
        try:
            self.machine.start(qemu.Settings(memory=self.kernel.memory, init=suite.init,
                                             hugepages=suite.hugepages, append=APPEND))
        except LabError:
            (self.out / "boot.tap").write_text("1..1\nnot ok 1 - boot\n")
            raise
        self.init = suite.init
        with_init = "" if suite.init == "lab" else f", {suite.init}"
        self.progress(f"booted with {suite.hugepages} huge pages{with_init} ({clock})")

    def cpu_time(self) -> float:
        try:
            return self.machine.cpu_time()
        except OSError:
            return 0

    def in_machine(self, suite: Suite, tap_file: Path) -> None:
        """Run a suite; make each way to fail a failure in its TAP file."""
        limit = suite.timeout * self.slowness
        cpus = suite.cpus or (2 if kernels.can_virtualize() else EMULATED_CPUS)
        status = self.machine.execute(
            ["lab/vm/suite", suite.name, str(limit), paths.inside(self.out),
             str(suite.hugepages), str(cpus), *suite.command],
            timeout=limit + GRACE * self.slowness)
        if status == process.TIMED_OUT:
            append(tap_file, f"Bail out! not done in {limit} s")
        # A program may fail without saying so in its TAP.
        if status != 0 and not failed(read(tap_file)):
            append(tap_file, f"Bail out! exit status {status}")

    def look_after(self, suite: Suite, after: Path) -> None:
        """Look at what the suite left behind."""
        with after.open("wb") as file, (self.out / f"{suite.name}.log").open("ab") as log:
            status = self.machine.execute(["lab/vm/after-suite", suite.name],
                                          timeout=AFTER_LIMIT * self.slowness,
                                          stdout=file, stderr=log)
        if status != 0:
            append(after, "Bail out! the machine did not survive")

    def run(self, suite: Suite) -> None:
        """Run a suite. The machine keeps running only when all is well with it."""
        clock = Clock()
        used = self.cpu_time()
        tap_file = self.out / f"{suite.name}.tap"
        after = self.out / f"{suite.name}.after.tap"
        self.in_machine(suite, tap_file)
        self.look_after(suite, after)
        (self.out / f"{suite.name}.console").write_bytes(self.machine.console.read_bytes())
        seconds = max(0, int(self.cpu_time() - used))
        self.progress(f"{suite.name:<28} {tap.total_of([tap_file, after])} "
                      f"({clock}, {seconds} s of processors)")
        if failed(read(after)):
            self.machine.stop()

    def run_all(self, planned: list[Suite]) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        try:
            for suite in planned:
                if self.init != suite.init or not self.machine.alive():
                    self.boot(suite)
                self.run(suite)
        finally:
            self.machine.stop()


def command(arguments: list[str]) -> None:
    """Run the suites of a lab."""
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    table = kernels.load()
    kernel = table[arguments[0]]
    chosen = suites.select(suites.load(table), os.environ.get("SUITES", ""))
    Runner(kernel).run_all(suites.plan(chosen, table, kernel))
