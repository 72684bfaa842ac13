# SPDX-License-Identifier: GPL-2.0
"""The table of suites, selftests/suites.toml, and which of them run where."""
import fnmatch
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable

from . import build, kernels, paths, table
from .entry import no_arguments
from .kernels import Kernel, Kernels
from .message import LabError

WHERE = ("every", "releases", "releases-newest", "main")
INITS = ("lab", "systemd")


@dataclass(frozen=True)
class Suite:
    """One entry of the table; the table itself says what the fields mean."""
    name: str
    about: str
    programs: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    script: str | None = None
    where: str = "every"
    needs: list[str] = field(default_factory=list)
    user_land: bool = False
    debug: bool = True
    timeout: int = 300
    cpus: int | None = None
    hugepages: int = 0
    init: str = "lab"
    parts: list[str] = field(default_factory=list)

    @property
    def command(self) -> list[str]:
        """The words that run it in a machine, in the work tree."""
        if self.script:
            return [f"selftests/{self.script}"]
        modules = [word for module in self.modules for word in ("-m", module)]
        return ["selftests/programs.sh", *modules, *self.programs]


def check_entry(suite: Suite, where: str) -> None:
    """Refuse what the types of the fields allow but the lab cannot do."""
    if bool(suite.programs) == bool(suite.script):
        raise LabError(f"{where}: it must have either 'programs' or 'script'")
    if suite.script and suite.modules:
        raise LabError(f"{where}: 'modules' is for 'programs'; a script loads its own")
    if suite.where not in WHERE:
        raise LabError(f"{where}: 'where' is one of {', '.join(WHERE)}, "
                       f"not '{suite.where}'")
    if suite.init not in INITS:
        raise LabError(f"{where}: 'init' is one of {', '.join(INITS)}, not '{suite.init}'")
    for part in suite.parts:
        if part not in build.PARTS:
            raise LabError(f"{where}: lab/build has no part '{part}'")
    if suite.timeout <= 0 or suite.hugepages < 0 or suite.cpus not in (None, 1, 2):
        raise LabError(f"{where}: 'timeout', 'hugepages' or 'cpus' is out of range")


def parse(values: dict[str, Any], known: Kernels,
          where: str = "suites.toml") -> list[Suite]:
    """The suites of what TOML has read; raises LabError where an entry is wrong."""
    suites = []
    for name, value in values.items():
        here = f"{where}: suite {name}"
        if not isinstance(value, dict):
            raise LabError(f"{here}: it is not a table")
        suite = table.entry(Suite, here, value, name=name)
        check_entry(suite, here)
        for capability in suite.needs:
            if capability not in known.capabilities:
                raise LabError(f"{here}: no kernel has the capability '{capability}'")
        suites.append(suite)
    return suites


def load(known: Kernels, path: Path = paths.SELFTESTS / "suites.toml") -> list[Suite]:
    return parse(table.load(path), known, path.name)


def places(suite: Suite, known: Kernels) -> list[Kernel]:
    """The kernels that a suite runs on, in the order of their table."""
    capable = [kernel for kernel in known.kernels.values()
               if set(suite.needs) <= set(kernel.capabilities)]
    able = [kernel for kernel in capable if not kernel.own and not kernel.kernel_of]
    match suite.where:
        case "releases":  # the oldest kernel of each release
            able = list({one.release: one for one in reversed(able)}.values())[::-1]
        case "releases-newest":
            able = list({one.release: one for one in able}.values())
        case "main":
            able = [one for one in able if one.name == known.main] or able[:1]
    return able + [kernel for kernel in capable
                   if (kernel.kernel_of and suite.user_land) or (kernel.own and suite.debug)]


def select(suites: Iterable[Suite], patterns: str) -> list[Suite]:
    """The suites that a person named by patterns, separated by blanks; no pattern: all.

    Raises LabError for a pattern that no suite matches.
    """
    suites = list(suites)
    words = [word.removesuffix(".sh") for word in patterns.split()]
    for word in words:
        if not fnmatch.filter([suite.name for suite in suites], word):
            raise LabError(f"no suite matches '{word}'; the suites are: "
                           f"{' '.join(suite.name for suite in suites)}")
    return [suite for suite in suites
            if not words or any(fnmatch.fnmatchcase(suite.name, word) for word in words)]


def plan(suites: Iterable[Suite], known: Kernels, kernel: Kernel) -> list[Suite]:
    """The suites of one lab, in the order in which they run.

    Suites that want the same machine are together, so that they share a boot. Of these
    the one with most huge pages is first: to give some back always works, to find more
    may not.
    """
    here = [suite for suite in suites if kernel in places(suite, known)]
    return sorted(here, key=lambda one: (one.init, -one.hugepages, one.name))


def listing(suites: Iterable[Suite], capabilities: Iterable[str]) -> str:
    """A line "NAME, tab, COMMAND LINE" for each suite that a kernel is capable of."""
    return "".join(f"{suite.name}\t{shlex.join(suite.command)}\n" for suite in suites
                   if set(suite.needs) <= set(capabilities))


def command(arguments: list[str]) -> None:
    """Print the suites for a kernel that is not a lab's."""
    no_arguments(arguments)
    chosen = select(load(kernels.load()), os.environ.get("SUITES", ""))
    print(listing(chosen, os.environ.get("VUSER_CAPABILITIES", "").split()), end="")
