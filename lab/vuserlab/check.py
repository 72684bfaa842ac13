# SPDX-License-Identifier: GPL-2.0
"""Every test there is.

Lint, each fuzzer for a moment, the unit tests in the roots of the labs, a guest of QEMU's
vfio-user client, and the suites in their virtual machines. TAP and logs stay in
build/check. The output shows progress, then skips, failures and the total.

A machine with two processors does not keep two processors of the host busy, and compilers
and unit tests need no machine. So a lab is compiled while the labs before it run, and
everything that needs no machine runs beside the machines, at a low priority.
"""
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from . import cache, deb, host, kernels, matrix, paths, process, qemu, source, suites, tap
from .entry import no_arguments
from .kernels import Kernel
from .message import Clock, LabError, say

# Available memory that a machine needs, as a multiple of its own memory.
ROOM = 1.4
FUZZ_SECONDS = 2
LIMIT = 3600  # seconds for each command that runs beside the machines
# The two sweeps over instructions take longer than all other unit tests together. One
# release is enough for them: the decoder calls no library.
SWEEPS = ("test-insn-exec", "test-insn-decode")


def machines_at_a_time(labs: list[Kernel]) -> int:
    """Two machines where there is memory for them, else one."""
    wanted = 2 * ROOM * 1024 * max(kernel.memory for kernel in labs)  # KiB
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return 2 if int(line.split()[1]) > wanted else 1
    return 1


def lab_command(name: str, *arguments: str | Path) -> list[str | Path]:
    return [sys.executable, paths.LAB / name, *arguments]


class Check:
    """The labs of one check, and the threads that wait for their machines."""

    def __init__(self, labs: list[Kernel], narrowed: bool, jobs: int,
                 results: list[Path]) -> None:
        self.labs = labs
        self.narrowed = narrowed  # only suites were asked for
        # Fewer labs than jobs: each lab has several machines.
        self.machines = max(1, jobs // len(labs))
        self.tokens = threading.Semaphore(max(1, jobs // self.machines))
        self.results = results  # directories that are emptied first
        self.threads: list[threading.Thread] = []

    @staticmethod
    def progress(lab: str, text: str) -> None:
        print(f"{lab:<5} {text}", flush=True)

    def write(self, kernel: Kernel, name: str, passed: bool, text: str) -> None:
        """Write a TAP file with one result."""
        directory = paths.CHECK / kernel.name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.tap").write_text(
            f"1..1\n{'ok' if passed else 'not ok'} 1 - {text}\n")

    def run_to(self, words: list[str | Path], out: Path, log: Path | None = None,
               **variables: Any) -> int:
        """Run a command at a low priority and with a limit, with its output in files."""
        settings = [f"{name}={value}" for name, value in variables.items()]
        with out.open("ab", buffering=0) as file, open(log or os.devnull, "ab") as errors:
            status = process.status(["nice", "env", *settings, *words], timeout=LIMIT,
                                    stdout=file, stderr=errors if log else file)
            if status == process.TIMED_OUT:
                file.write(f"Bail out! not done in {LIMIT} s\n".encode())
            return status

    def set_up(self) -> None:
        """Make roots and images, all at once: each keeps one processor busy."""
        clock = Clock()
        process.need_root()
        host.install()
        cache.sweep(source.of().parent)
        broken: list[Kernel] = []

        def make_image(kernel: Kernel) -> None:
            try:
                process.run(lab_command("image", kernel.name), stdout=subprocess.DEVNULL)
            except LabError:
                broken.append(kernel)

        threads = [threading.Thread(target=make_image, args=[kernel])
                   for kernel in self.labs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for directory in self.results:
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
        for kernel in broken:
            self.labs.remove(kernel)
            self.write(kernel, "image", False, "there is a root and an image")
        say(f"all is set up after {clock}")

    def build(self, kernel: Kernel) -> bool:
        """A build that fails is a failed test, and the end for this lab."""
        clock = Clock()
        self.write(kernel, "build", False, "build")
        log = paths.CHECK / kernel.name / "build.log"
        # The strict build is a part of lint.
        strict = "1" if not self.narrowed and not kernel.own else ""
        with log.open("wb") as file:
            status = process.status(["env", f"STRICT={strict}",
                                     *lab_command("build", kernel.name)],
                                    stdout=file, stderr=file)
        if status == 0:
            self.write(kernel, "build", True, "build")
            self.progress(kernel.name, f"built ({clock})")
            return True
        process.show_tail(log, 30, sys.stdout)
        self.progress(kernel.name, "does not build")
        return False

    def in_machine(self, kernel: Kernel) -> None:
        """Run the suites of a lab as soon as there is room for its machines."""
        try:
            with self.tokens:
                status = process.status(["env", f"MACHINES={self.machines}",
                                         *lab_command("suites", kernel.name)])
        except LabError:
            status = 1
        if status != 0:
            self.progress(kernel.name, "not all of it could run")
            self.write(kernel, "all", False, "all suites could run")

    def start_machine(self, kernel: Kernel) -> None:
        thread = threading.Thread(target=self.in_machine, args=[kernel])
        thread.start()
        self.threads.append(thread)

    def unit_tests(self, kernel: Kernel, skip: tuple[str, ...]) -> None:
        clock = Clock()
        out = paths.CHECK / kernel.name
        out.mkdir(parents=True, exist_ok=True)
        user = f"build/{kernel.name}/user"
        results = paths.TOP / user / "san/tap"
        shutil.rmtree(results, ignore_errors=True)
        status = self.run_to(
            lab_command("chroot", kernel.name, "make", "-s", f"-j{process.processors()}",
                        "-C", "user", f"O=/vuser/{user}", "SAN=1", f"SKIP={' '.join(skip)}",
                        "check"), out / "unit.log")
        self.write(kernel, "unit", status == 0, "unit tests")
        for path in results.glob("*.tap"):
            shutil.copy(path, out / f"unit-{path.name}")
        total = tap.total_of(sorted(out.glob("unit*.tap")))
        self.progress(kernel.name, f"unit tests: {total} ({clock})")

    def packages(self, kernel: Kernel, text: str, name: str, *arguments: str) -> None:
        """Build packages with a command of the lab, which tries them, too."""
        clock = Clock()
        out = paths.CHECK / kernel.name
        out.mkdir(parents=True, exist_ok=True)
        log = out / f"{name}.log"
        status = self.run_to(lab_command(name, *arguments), log)
        self.write(kernel, name, status == 0, text)
        if status != 0:
            process.show_tail(log, 30, sys.stdout)
        self.progress(kernel.name, f"packages: {name} ({clock})")

    def tap_command(self, lab: str, name: str, **variables: Any) -> None:
        """Run a command of the lab that prints TAP."""
        clock = Clock()
        path = paths.CHECK / f"{name}.tap"
        self.run_to(lab_command(name), path, path.with_suffix(".log"), **variables)
        self.progress(lab, f"{name}: {tap.total_of([path])} ({clock})")

    def fuzz(self) -> None:
        clock = Clock()
        log = paths.CHECK / "fuzz.log"
        status = self.run_to(lab_command("fuzz", "--check", paths.CHECK / "fuzz"), log,
                             FUZZ_SECONDS=FUZZ_SECONDS)
        text = log.read_text(errors="replace").splitlines()[-1:] or ["no output"]
        if status != 0:
            (paths.CHECK / "fuzz.tap").write_text("1..1\nnot ok 1 - the fuzzers could run\n")
        self.progress("all", f"fuzzing: {text[0]} ({clock})")

    def beside(self) -> None:
        """Run everything that needs no machine.

        Unit tests know their C library and compiler, not the kernel: once per release is
        enough.
        """
        seen: list[str] = []
        for kernel in self.labs:
            if kernel.release not in seen:
                self.unit_tests(kernel, SWEEPS if seen else ())
                seen.append(kernel.release)
        client = kernels.load().capable("qemu-vfio-user")
        if client in self.labs:
            self.tap_command(client.name, "guest")
        for kernel in self.labs:
            if deb.able(kernel):
                self.packages(kernel, "packages of Debian are built, installed, upgraded "
                              "and purged", "deb", kernel.name)
        if kernels.main_kernel() in self.labs:
            self.packages(kernels.main_kernel(), "packages of RPM are built and have the "
                          "files of those of Debian", "rpm")
        self.tap_command("all", "unit")
        self.tap_command("all", "lint", BUILT=" ".join(one.name for one in self.labs))
        self.fuzz()

    def run(self) -> int:
        clock = Clock()
        self.set_up()
        for kernel in list(self.labs):
            if self.build(kernel):
                self.start_machine(kernel)
        if not self.narrowed:
            self.beside()
        for thread in self.threads:
            thread.join()
        if not any(kernel.own for kernel in self.labs):
            (paths.CHECK / "matrix.tap").write_text(matrix.report())
        say(f"it took {clock}; the TAP and log files are in build/check")
        return tap.report(sorted(path for directory in self.results
                                 for path in directory.rglob("*.tap")))


def check_names(table: kernels.Kernels) -> None:
    """Refuse wrong patterns now and not after everything is built."""
    suites.select(suites.load(table), os.environ.get("SUITES", ""))


def jobs_for(labs: list[Kernel]) -> int:
    """How many machines may run at a time."""
    jobs = qemu.number(os.environ, "JOBS", machines_at_a_time(labs))
    if jobs < 1:
        raise LabError("JOBS must be 1 or more")
    return jobs


def check_command(arguments: list[str]) -> int:
    """`make check`: Debian's kernels."""
    no_arguments(arguments)
    table = kernels.load()
    check_names(table)
    names = os.environ.get("LABS", "")
    labs = table.choose(names) or table.in_turn
    return Check(labs, bool(os.environ.get("SUITES")), jobs_for(labs),
                 [paths.CHECK]).run()


def debug_command(arguments: list[str]) -> int:
    """`make check-debug`: all suites on the kernels that we build."""
    no_arguments(arguments)
    table = kernels.load()
    check_names(table)
    return Check(table.own, True, jobs_for(table.own),
                 [paths.CHECK / kernel.name for kernel in table.own]).run()
