# SPDX-License-Identifier: GPL-2.0
"""Run the unit tests of the lab itself (lab/tests), and print TAP."""
import sys
import traceback
import unittest
from typing import Any, TextIO

from . import paths


class TapResult(unittest.TestResult):
    """Prints a line for each test, and why one failed before its line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.out = stream
        self.number = 0

    def _line(self, word: str, test: unittest.TestCase, more: str = "") -> None:
        self.number += 1
        module = type(test).__module__.rpartition(".")[2].removeprefix("test_")
        # The id of a test that is a file which cannot be imported has other parts.
        name = test.id().rpartition(".")[2].removeprefix("test_").replace("_", " ")
        print(f"{word} {self.number} - lab: {module}: {name}{more}", file=self.out)

    def _failed(self, test: unittest.TestCase, error: Any) -> None:
        for line in "".join(traceback.format_exception(*error)).splitlines()[-20:]:
            print(f"# {line}", file=self.out)
        self._line("not ok", test)

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self._line("ok", test)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._failed(test, err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._failed(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase,
                   err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed(test, err)


def main(_arguments: list[str]) -> int:
    """Run the tests; the exit status is 1 when one failed."""
    sys.path.insert(0, str(paths.LAB))
    tests = unittest.TestLoader().discover(str(paths.LAB / "tests"),
                                           top_level_dir=str(paths.LAB / "tests"))
    result = TapResult(sys.stdout)
    tests.run(result)
    print(f"1..{result.number}")
    return 0 if result.wasSuccessful() else 1
