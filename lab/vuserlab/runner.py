# SPDX-License-Identifier: GPL-2.0
"""Run the suites of one lab in its virtual machines.

The machines take suites from one queue. Results are files in build/check/LAB; what is
printed only shows progress.
"""
import os
import threading
from pathlib import Path

from . import build, kernels, machine, paths, process, qemu, suites, tap
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


class Queue:
    """The suites that no machine has taken yet, in the order of suites.plan()."""

    def __init__(self, planned: list[Suite]) -> None:
        self.waiting = list(planned)
        self.lock = threading.Lock()

    def take(self, init: str) -> Suite | None:
        """The next suite for a machine; if possible one that its @init can run."""
        with self.lock:
            same = [suite for suite in self.waiting if suite.init == init]
            suite = next(iter(same or self.waiting), None)
            if suite:
                self.waiting.remove(suite)
            return suite

    def close(self) -> None:
        """Give out no more suites."""
        with self.lock:
            self.waiting.clear()


class Runner:
    """A machine of a lab and the directory of its results."""

    def __init__(self, kernel: Kernel, number: int = 1) -> None:
        self.kernel = kernel
        self.slowness = kernels.slowness(kernel)
        first = machine.named(kernel, "check")
        self.machine = (first if number == 1 else
                        machine.Machine(kernel, f"{first.name}-{number}"))
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

    def build_parts(self, suite: Suite) -> bool:
        """Build what only this suite needs; a part that does not build is a failed test."""
        try:
            build.build(self.kernel, suite.parts)
            return True
        except LabError as error:
            (self.out / f"{suite.name}.tap").write_text(
                f"1..1\nnot ok 1 - the parts of {suite.name} are built\n# {error}\n")
            self.progress(f"{suite.name}: {error}")
            return False

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

    def run_all(self, queue: Queue) -> None:
        """Run suites until the queue is empty."""
        while suite := queue.take(self.init):
            if suite.parts and not self.build_parts(suite):
                continue
            if self.init != suite.init or not self.machine.alive():
                self.boot(suite)
            self.run(suite)


class Pool:
    """The machines of a lab that work at the same time, each in a thread."""

    def __init__(self, runners: list[Runner], planned: list[Suite]) -> None:
        self.runners = runners
        self.queue = Queue(planned)
        self.errors: list[LabError] = []

    def _work(self, runner: Runner) -> None:
        try:
            runner.run_all(self.queue)
        except LabError as error:
            self.errors.append(error)
            self.queue.close()

    def _stop(self) -> None:
        for runner in self.runners:
            runner.machine.stop()

    def run(self) -> None:
        """Run all suites; raise LabError if one of them could not run."""
        threads = [threading.Thread(target=self._work, args=[runner])
                   for runner in self.runners]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException:
            process.end_children()
            raise
        finally:
            self.queue.close()
            self._stop()
            # An interrupted thread may just have started its machine.
            for thread in threads:
                if thread.ident:
                    thread.join()
            self._stop()
        if self.errors:
            raise self.errors[0]


def command(arguments: list[str]) -> None:
    """Run the suites of a lab."""
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    table = kernels.load()
    kernel = table[arguments[0]]
    chosen = suites.select(suites.load(table), os.environ.get("SUITES", ""))
    planned = suites.plan(chosen, table, kernel)
    number = qemu.number(os.environ, "MACHINES", 1)
    if number < 1:
        raise LabError("MACHINES must be 1 or more")
    (paths.CHECK / kernel.name).mkdir(parents=True, exist_ok=True)
    count = min(number, len(planned))
    Pool([Runner(kernel, i + 1) for i in range(count)], planned).run()
