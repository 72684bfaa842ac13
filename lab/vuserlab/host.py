# SPDX-License-Identifier: GPL-2.0
"""The host: the packages that the lab needs there, and the mirror that it uses."""
import re
from pathlib import Path
from typing import Iterable, Iterator

from . import lists, process
from .entry import no_arguments
from .message import LabError, say

APT = Path("/etc/apt")


def missing(wanted: Iterable[str]) -> list[str]:
    """The packages that are not installed."""
    _, text = process.output_of_any(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n", *wanted])
    installed = {line.split()[0] for line in text.splitlines()
                 if line.endswith(" installed")}
    return [package for package in wanted if package not in installed]


def install() -> None:
    """Install what the lab needs on the host, through apt, where it is missing."""
    packages = missing(lists.packages("host"))
    if not packages:
        return
    process.need_root()
    say(f"installing on the host: {' '.join(packages)}")
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if process.status([*environment, "apt-get", "update", "-q"], stdout=2) != 0:
        say("not all package lists could be fetched")
    process.run([*environment, "apt-get", "install", "-q", "-y",
                 "--no-install-recommends", *packages], stdout=2)


def one_line_sources(text: str) -> Iterator[tuple[str, str]]:
    """URI and suite of the lines of sources.list that have the component main."""
    pattern = re.compile(r"deb +(?:\[[^]]*\] +)?([^ ]+) +([^ ]+) .*\bmain\b")
    for line in text.splitlines():
        if match := pattern.match(line):
            yield match[1], match[2]


def deb822_sources(text: str) -> Iterator[tuple[str, str]]:
    """The same of a file in the format deb822: paragraphs of fields."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        fields = {name.strip().lower(): value.split()
                  for name, _, value in (line.partition(":") for line in lines)}
        if "main" in fields.get("components", []):
            for uri in fields.get("uris", []):
                for suite in fields.get("suites", []):
                    yield uri, suite


def sources() -> Iterator[tuple[str, str]]:
    """URI and suite of everything that apt is configured to use."""
    for path in [APT / "sources.list", *sorted(APT.glob("sources.list.d/*.list"))]:
        if path.exists():
            yield from one_line_sources(path.read_text(errors="replace"))
    for path in sorted(APT.glob("sources.list.d/*.sources")):
        yield from deb822_sources(path.read_text(errors="replace"))


def codename() -> str:
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    match = re.search(r'^VERSION_CODENAME="?([a-z]+)', text, re.MULTILINE)
    return match[1] if match else ""


def mirror() -> str:
    """The URI of the Debian mirror that this host is configured to use."""
    name = codename()
    for uri, suite in sources():
        if suite == name and uri.rstrip("/").endswith("debian"):
            return uri
    raise LabError(f"apt has no mirror of Debian '{name}': see sources.list(5)")


def checks_valid_until() -> bool:
    """Whether apt on this host refuses package lists that have expired."""
    text = process.output(["apt-config", "dump", "--format=%v", "Acquire::Check-Valid-Until"])
    return text.strip().lower() not in ("false", "no", "without", "off", "disable", "0")


def command(arguments: list[str]) -> None:
    """Install what is missing."""
    no_arguments(arguments)
    install()
