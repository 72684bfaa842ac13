# SPDX-License-Identifier: GPL-2.0
"""Run the fuzzers (user/tests/fuzz): first what is in their corpora, then new inputs.

Inputs that fail a harness are left in build/fuzz/crashes, logs in build/fuzz/out, and what
was found on the way in build/fuzz/work. The corpora are unpacked to build/fuzz/out/corpus.
The random tester of the kernel module (selftests/random) follows in virtual machines.
"""
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

from . import build, cache, kernels, paths, process, qemu, root, tap
from .entry import Usage
from .kernels import Kernel
from .message import LabError

FUZZ = paths.BUILD / "fuzz"
CRASHES = FUZZ / "crashes"
SOURCES = paths.TOP / "user/tests/fuzz"
RANDOM = "37-random"
# What libFuzzer prints about its progress.
NOISE = re.compile("NEW|REDUCE|INFO|RELOAD|pulse")
COVERAGE = """
out=$1
shift
llvm-profdata merge -sparse "$out"/*.profraw -o "$out/all.profdata" &&
llvm-cov export -summary-only -instr-profile "$out/all.profdata" \
	-ignore-filename-regex "/(fuzz|tests)/" "$@"
"""


def harnesses(chosen: str) -> list[str]:
    """The harnesses that a person named, or all; the random tester is not one."""
    found = sorted(path.stem.removeprefix("fuzz-") for path in SOURCES.glob("fuzz-*.c"))
    for name in chosen.split():
        if name not in (*found, "random"):
            raise LabError(f"no fuzzer '{name}'; the fuzzers are: "
                           f"{' '.join(found)} random")
    return [name for name in found if not chosen.split() or name in chosen.split()]


def result(number: int, name: str, text: str, status: int, log: Path) -> str:
    """The TAP of one run, with the end of its log when it failed."""
    if status == 0:
        return f"ok {number} - fuzz {name}: {text}\n"
    lines = [line for line in log.read_text(errors="replace").splitlines()
             if not NOISE.search(line)]
    reasons = "".join(f"# {line}\n" for line in lines[-40:])
    return f"{reasons}not ok {number} - fuzz {name}: {text}\n"


class Fuzzers:
    """The harnesses of one run, and where their files are."""

    def __init__(self, names: list[str], out: Path, work: Path, seconds: int) -> None:
        self.kernel = kernels.main_kernel()
        self.bin = build.directory(self.kernel) / "user/fuzz/bin"
        self.names = names
        self.out = out
        self.work = work
        self.seconds = seconds

    def corpus(self, name: str) -> Path:
        return self.out / "corpus" / name

    def build(self) -> None:
        log = self.out / "build.log"
        log.write_bytes(b"")
        try:
            process.logged(["nice", *build.make(
                self.kernel, "-C", "user", f"O=/vuser/build/{self.kernel.name}/user",
                "FUZZ=1", "fuzzers")], log, "the harnesses do not build")
        except LabError:
            (self.out / "build.tap").write_text("1..1\nnot ok 1 - fuzz: build\n")
            raise

    def run(self, name: str, log: str, *options: str) -> int:
        """Run a harness in the lab's root; 0 when it found nothing."""
        inside = paths.inside
        profile = f"LLVM_PROFILE_FILE={inside(self.out)}/{name}.{log}.profraw"
        words = root.inside(self.kernel, [
            "env", "-C", "/tmp", profile, "nice", f"{inside(self.bin)}/fuzz-{name}",
            "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1",
            f"-artifact_prefix={inside(CRASHES)}/{name}-", *options])
        with (self.out / f"{name}.{log}").open("wb") as file:
            return process.status(words, stdout=file, stderr=file)

    def unpack(self, name: str) -> None:
        (self.work / name).mkdir(parents=True, exist_ok=True)
        process.run([SOURCES / "corpus.py", "unpack", name, self.corpus(name)])

    def fuzz_one(self, name: str) -> None:
        self.unpack(name)
        corpus = paths.inside(self.corpus(name))
        replay = self.run(name, "replay", "-runs=0", corpus)
        new = self.run(name, "new", f"-max_total_time={self.seconds}",
                       "-use_value_profile=1", paths.inside(self.work / name), corpus)
        (self.out / f"{name}.tap").write_text(
            "1..2\n"
            + result(1, name, "its corpus", replay, self.out / f"{name}.replay")
            + result(2, name, "new inputs", new, self.out / f"{name}.new"))

    def merge_one(self, name: str) -> None:
        """Add to a corpus those inputs of the work directory that cover more."""
        fresh = FUZZ / "merge" / name
        cache.remove(fresh)
        fresh.mkdir(parents=True)
        self.unpack(name)
        if self.run(name, "merge", "-set_cover_merge=1", paths.inside(fresh),
                    paths.inside(self.corpus(name)), paths.inside(self.work / name)) != 0:
            raise LabError(f"cannot merge {name}: see {self.out / name}.merge")
        process.run([SOURCES / "corpus.py", "pack", name, fresh])
        process.run([SOURCES / "corpus.py", "count", name])

    def each(self, one: Callable[[str], None], jobs: int) -> None:
        """Do something for all harnesses, some at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for _ in pool.map(one, self.names):
                    pass
            except BaseException:
                process.end_children()  # the pool waits for them
                raise

    def stat(self, name: str, key: str) -> str:
        log = (self.out / f"{name}.new").read_text(errors="replace")
        match = re.search(rf"^stat::{key}: *(.*)$", log, re.MULTILINE)
        return match[1] if match else ""

    def table(self) -> None:
        """Print what each harness did."""
        print(f"{'harness':<12} {'executions':>12} {'1/s':>8} {'inputs':>8}")
        for name in self.names:
            inputs = sum(1 for directory in (self.work / name, self.corpus(name))
                         for path in directory.rglob("*") if path.is_file())
            print(f"{name:<12} {self.stat(name, 'number_of_executed_units'):>12} "
                  f"{self.stat(name, 'average_exec_per_sec'):>8} {inputs:>8}")

    def coverage(self) -> None:
        """Print the lines covered of what is fuzzed, by all harnesses together."""
        objects = [word for name in self.names
                   for word in ("-object", f"{paths.inside(self.bin)}/fuzz-{name}")]
        text = process.output(root.inside(self.kernel, [
            "sh", "-c", COVERAGE, "sh", paths.inside(self.out), *objects]))
        (self.out / "coverage.json").write_text(text)
        print("\nlines covered")
        for file in json.loads(text)["data"][0]["files"]:
            lines = file["summary"]["lines"]
            if lines["covered"] > 0:
                name = re.sub(".*/vuser/", "", file["filename"])
                print(f"{name:<32} {lines['covered']:5} of {lines['count']:5} "
                      f"{lines['percent']:5.1f} %")

    def tap_files(self) -> list[Path]:
        return sorted(self.out.glob("*.tap"))


def random_tester(kernel: Kernel, out: Path, seconds: int) -> int:
    """The whole module, with all that uses it, on one kernel."""
    log = paths.CHECK / kernel.name / RANDOM
    with (out / f"random.{kernel.name}").open("wb") as file:
        process.run([sys.executable, paths.LAB / "build", kernel.name], stdout=file,
                    stderr=file)
        for old in log.parent.glob(f"{RANDOM}.*"):
            old.unlink()
        process.status(["env", "VM=fuzz", f"VUSER_SECONDS={seconds}", f"SUITES={RANDOM}",
                        sys.executable, paths.LAB / "suites", kernel.name],
                       stdout=file, stderr=file)
    print(f"\nrandom tester on Linux {kernel.name}")
    results = log.with_suffix(".tap")
    if results.exists():
        for match in re.finditer("^# *([0-9]* [a-z].*)", results.read_text(), re.MULTILINE):
            print(f"  {match[1]}")
    return tap.report([results, log.with_suffix(".after.tap")])


def check(fuzzers: Fuzzers, jobs: int) -> int:
    """For `make check`: TAP and logs, no tables, nothing kept."""
    fuzzers.build()
    fuzzers.each(fuzzers.fuzz_one, jobs)
    print(tap.total_of(fuzzers.tap_files()))
    return 0


def explore(fuzzers: Fuzzers, jobs: int, machines: list[Kernel]) -> int:
    """For `make fuzz`: everything that was chosen, with tables."""
    failed = 0
    if fuzzers.names:
        fuzzers.build()
        fuzzers.each(fuzzers.fuzz_one, jobs)
        fuzzers.table()
        fuzzers.coverage()
        failed |= tap.report(fuzzers.tap_files())
    for kernel in machines:
        failed |= random_tester(kernel, fuzzers.out, fuzzers.seconds)
    return failed


def main(arguments: list[str]) -> int:
    process.need_root()
    out, work = FUZZ / "out", FUZZ / "work"
    match arguments:
        case [] | ["--merge"]:
            pass
        case ["--check", directory]:
            out = Path(directory).absolute()
            work = out / "work"
        case _:
            raise Usage("unknown arguments")
    values = os.environ
    chosen = values.get("FUZZERS", "")
    seconds = qemu.number(values, "FUZZ_SECONDS", 60)
    jobs = qemu.number(values, "JOBS", process.processors())
    table = kernels.load()
    machines = table.choose(values.get("LABS") or table.main)
    names = harnesses(chosen) if chosen.split() != ["random"] else []
    out.mkdir(parents=True, exist_ok=True)
    CRASHES.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.profraw"), *out.glob("*.tap")):
        old.unlink()
    fuzzers = Fuzzers(names, out, work, seconds)
    if arguments == ["--merge"]:
        fuzzers.build()
        fuzzers.each(fuzzers.merge_one, jobs)
        return 0
    if arguments:
        return check(fuzzers, jobs)
    return explore(fuzzers, jobs, machines if "random" in (chosen or "random") else [])
