# SPDX-License-Identifier: GPL-2.0
"""Run the benchmarks, selftests/bench/*.sh, in a lab's virtual machine.

Each prints rows of JSON: {name, value, unit, baseline, ratio, low, high, limit, floor}, of
which the last six may be null. The ratio must be the limit or less, or the floor or more.
"""
import json
import math
import os
from pathlib import Path
from typing import Any

from . import build, kernels, machine, paths, process, qemu
from .entry import no_arguments
from .message import LabError, say

Row = dict[str, Any]
LIMIT = 3600  # seconds for each script
MEMORY = 4096
HUGEPAGES = 576
HEADINGS = ("row", "value", "baseline", "ratio", "must be", "reached")
WIDTHS = (60, 18, 18, 25, 14)


def number(value: float | None) -> str:
    """A number with three decimals at most."""
    if value is None:
        return "-"
    rounded = math.floor(abs(value) * 1000 + 0.5) / 1000 * (1 if value >= 0 else -1)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def reached(row: Row) -> str:
    """Whether a row has what it must have: yes, NO, or nothing where it has no aim."""
    floor, limit, ratio = row.get("floor"), row.get("limit"), row.get("ratio")
    if floor is None and limit is None:
        return ""
    missed = (floor is not None and ratio < floor) or (limit is not None and ratio > limit)
    return "NO" if missed else "yes"


def aim(row: Row) -> str:
    if row.get("floor") is not None:
        return f"{number(row['floor'])} or more"
    if row.get("limit") is not None:
        return f"{number(row['limit'])} or less"
    return "-"


def cells(row: Row) -> tuple[str, ...]:
    """The columns of a row."""
    baseline, ratio = row.get("baseline"), number(row.get("ratio"))
    if row.get("low") is not None:
        ratio += f" ({number(row['low'])} to {number(row['high'])})"
    return (row["name"], f"{number(row['value'])} {row['unit']}",
            "-" if baseline is None else f"{number(baseline)} {row['unit']}",
            ratio, aim(row), reached(row))


def table(rows: list[Row]) -> str:
    """All rows as text, with headings."""
    def line(columns: tuple[str, ...]) -> str:
        padded = [text + " " * max(width - len(text), 1)
                  for text, width in zip(columns, WIDTHS)]
        return "".join(padded) + columns[-1]

    return "\n".join(line(one) for one in (HEADINGS, *map(cells, rows)))


def scripts(pattern: str) -> list[Path]:
    """The benchmarks that a pattern names, in the order of their numbers."""
    found = sorted((paths.SELFTESTS / "bench").glob(pattern.removesuffix(".sh") + ".sh"))
    if not found:
        raise LabError(f"no benchmark matches '{pattern}' (BENCHES)")
    return found


def parse(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def measure(one: machine.Machine, chosen: list[Path], rows: Path) -> list[str]:
    """Run benchmarks, whose rows go to a file; return the names of those that failed."""
    failed = []
    with rows.open("wb") as file:
        for script in chosen:
            say(script.stem)
            if one.execute([f"selftests/bench/{script.name}"], timeout=LIMIT,
                           stdout=file) != 0:
                failed.append(script.stem)
    return failed


def main(arguments: list[str]) -> None:
    no_arguments(arguments)
    process.need_root()
    table_of_kernels = kernels.load()
    kernel = table_of_kernels[os.environ.get("LAB") or table_of_kernels.main]
    chosen = scripts(os.environ.get("BENCHES") or "[0-9]*")
    settings = qemu.settings(memory=MEMORY, hugepages=HUGEPAGES)
    build.build(kernel, ["kmod", "user", "bench"])
    one = machine.Machine(kernel, "bench")
    rows = paths.BUILD / "bench.rows"
    one.start(settings)
    try:
        failed = measure(one, chosen, rows)
    finally:
        one.stop()
    measured = parse(rows.read_text(encoding="utf-8"))
    (paths.BUILD / "bench.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(table(measured))
    if failed:
        raise LabError(f"these did not measure everything, see above: {' '.join(failed)}")
