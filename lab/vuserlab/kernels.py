# SPDX-License-Identifier: GPL-2.0
"""The table of kernels, lab/kernels.toml. Each kernel is a lab."""
import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import paths, table
from .message import LabError


@dataclass(frozen=True)
class Source:
    """The package of kernel sources."""
    series: str
    package: str
    release: str


@dataclass(frozen=True)
class Kernel:
    """One entry of the table; the table itself says what the fields mean."""
    name: str
    release: str
    packages: list[str] = field(default_factory=list)
    backports: dict[str, str | list[str]] = field(default_factory=dict)
    drivers: list[str] = field(default_factory=list)
    programs: str | None = None
    kernel_of: str | None = None
    capabilities: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    base: str | None = None
    config: str | None = None
    memory: int = 4096
    slowness: int = 1
    sparse: bool = True

    @property
    def own(self) -> bool:
        """Whether we build this kernel ourselves."""
        return self.base is not None

    @property
    def moving(self) -> bool:
        """Whether its packages get new versions while its release stays the same."""
        return bool(self.backports or self.kernel_of)

    @property
    def root(self) -> str:
        """The lab whose root this kernel uses."""
        return self.base or self.name


@dataclass(frozen=True)
class Kernels:
    """The whole table."""
    main: str
    source: Source
    kernels: dict[str, Kernel]

    def __getitem__(self, name: str) -> Kernel:
        if name not in self.kernels:
            raise LabError(f"no lab '{name}'; the labs are: {' '.join(self.kernels)}")
        return self.kernels[name]

    @property
    def checked(self) -> list[Kernel]:
        """The kernels of `make check`: those from Debian."""
        return [kernel for kernel in self.kernels.values() if not kernel.own]

    @property
    def in_turn(self) -> list[Kernel]:
        """The kernels of `make check` in the order in which they are built and run.

        The main kernel runs most suites. Then come kernels that share its programs: they
        are built quickly.
        """
        def place(kernel: Kernel) -> int:
            return 0 if kernel.name == self.main else 1 if kernel.programs else 2

        return sorted(self.checked, key=place)

    @property
    def own(self) -> list[Kernel]:
        """The kernels of `make check-debug`: those that we build."""
        return [kernel for kernel in self.kernels.values() if kernel.own]

    @property
    def capabilities(self) -> set[str]:
        """Every capability that some kernel has."""
        return {one for kernel in self.kernels.values() for one in kernel.capabilities}

    def choose(self, names: str) -> list[Kernel]:
        """The labs that a person named, separated by blanks."""
        return [self[name] for name in names.split()]

    def capable(self, capability: str) -> Kernel:
        """The first kernel from Debian that has a capability."""
        for kernel in self.checked:
            if capability in kernel.capabilities:
                return kernel
        raise LabError(f"no kernel in lab/kernels.toml has the capability '{capability}'")


def parse(values: dict[str, Any], where: str = "kernels.toml") -> Kernels:
    """Make the table from the values in a TOML file; raise LabError if an entry is wrong."""
    entries: dict[str, Kernel] = {}
    for name, value in values.get("kernel", {}).items():
        here = f"{where}: kernel {name}"
        more = {"name": name}
        if "base" in value:
            if value["base"] not in entries:
                raise LabError(f"{here}: its base '{value['base']}' is not above it")
            if "config" not in value:
                raise LabError(f"{here}: 'config' is missing")
            more["release"] = entries[value["base"]].release
        if value.get("programs", name) not in (name, *entries):
            raise LabError(f"{here}: 'programs' names '{value['programs']}', "
                           "which is not above it")
        if "kernel_of" in value and value["kernel_of"] not in entries:
            raise LabError(f"{here}: 'kernel_of' names '{value['kernel_of']}', "
                           "which is not above it")
        entries[name] = table.entry(Kernel, here, value, **more)
    main = values.get("main")
    if main not in entries or entries[main].own:
        raise LabError(f"{where}: 'main' must name a kernel from Debian, not {main!r}")
    source = table.entry(Source, f"{where}: source", values.get("source", {}))
    return Kernels(main, source, entries)


@functools.cache
def load(path: Path = paths.LAB / "kernels.toml") -> Kernels:
    return parse(table.load(path), path.name)


def main_kernel() -> Kernel:
    kernels = load()
    return kernels[kernels.main]


@functools.cache
def can_virtualize() -> bool:
    """Whether KVM will run an ordinary kernel.

    Only the processor's flag is a sure sign: /dev/kvm may be there without it.
    """
    words = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    if not {"vmx", "svm"} & set(words):
        return False
    try:
        with open("/dev/kvm", "r+b", buffering=0):
            return True
    except OSError:
        return False


def slowness(kernel: Kernel) -> int:
    """The factor of all time limits, compared with a machine that has KVM.

    Two machines that are emulated may share two processors with compilers.
    """
    return kernel.slowness * (1 if can_virtualize() else 2)
