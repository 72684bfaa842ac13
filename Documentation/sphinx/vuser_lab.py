# SPDX-License-Identifier: GPL-2.0
"""Directives that show the tables of the lab, so that documentation repeats none.

.. lab-kernels::     the labs and the versions of the programs in them
.. lab-suites::      the suites and the labs in which each of them runs
.. lab-matrix::      the consumers and the servers that suites run together

All are list tables. They read lab/kernels.toml, selftests/suites.toml and matrix.txt.
"""

import os
import sys

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "lab"))

from vuserlab import kernels, matrix, suites  # noqa: E402  the path is set above


def list_table(rows, widths):
    """The lines of a list table; the first row has the headings."""
    lines = [".. list-table::", "   :header-rows: 1",
             "   :widths: " + " ".join(str(width) for width in widths), ""]
    for row in rows:
        for number, cell in enumerate(row):
            first, *rest = (cell or "..").splitlines()
            lines.append(("   * - " if number == 0 else "     - ") + first)
            lines += ["       " + line for line in rest]
    return lines + [""]


def kernel_rows(table):
    programs = list(dict.fromkeys(name for kernel in table.checked
                                  for name in kernel.versions))
    rows = [["lab", "Debian release", *programs]]
    for kernel in table.checked:
        rows.append([kernel.name, kernel.release,
                     *(kernel.versions.get(name, "") for name in programs)])
    return rows


def suite_rows(table):
    rows = [["suite", "tests", "labs"]]
    # Few suites run in a lab that has the kernel of another lab.
    most = {kernel.name for kernel in table.kernels.values() if not kernel.kernel_of}
    for suite in suites.load(table):
        places = [kernel.name for kernel in suites.places(suite, table)]
        rows.append([f"``{suite.name}``", suite.about,
                     "all" if set(places) >= most else ", ".join(places)])
    return rows


class TableDirective(SphinxDirective):
    def lines(self):
        raise NotImplementedError

    def run(self):
        for name in ("lab/kernels.toml", "selftests/suites.toml",
                     "Documentation/matrix.txt"):
            self.env.note_dependency(os.path.join(TOP, name))
        lines = self.lines()
        self.state_machine.insert_input(StringList(lines, source=__file__), __file__)
        return []


class LabKernels(TableDirective):
    def lines(self):
        rows = kernel_rows(kernels.load())
        return list_table(rows, [1] * len(rows[0]))


class LabSuites(TableDirective):
    def lines(self):
        return list_table(suite_rows(kernels.load()), [20, 60, 20])


class LabMatrix(TableDirective):
    COLUMNS = 5

    def lines(self):
        lines = []
        for rows in matrix.tables(matrix.load(), self.COLUMNS):
            # Each line of a cell is a line of a line block.
            cells = [["\n".join(f"| {line}" if line else "" for line in cell)
                      for cell in row] for row in rows]
            lines += list_table(cells, [15] * len(rows[0]))
        return lines


def setup(app):
    app.add_directive("lab-kernels", LabKernels)
    app.add_directive("lab-suites", LabSuites)
    app.add_directive("lab-matrix", LabMatrix)
    return {"parallel_read_safe": True, "version": "1"}
