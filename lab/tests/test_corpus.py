# SPDX-License-Identifier: GPL-2.0
"""Packed corpora of the fuzzers (user/tests/fuzz/corpus.py)."""
import contextlib
import io
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

FUZZ = Path(__file__).resolve().parents[2] / "user/tests/fuzz"
sys.path.insert(0, str(FUZZ))
import corpus  # noqa: E402 # the path is set above

INPUTS = {"found-two": b"\2\2", corpus.file_name(b""): b"",
          corpus.file_name(b"\1"): b"\1"}


@contextlib.contextmanager
def directories() -> Iterator[Path]:
    """An empty directory of corpora, and one beside it for inputs."""
    with tempfile.TemporaryDirectory() as top:
        packed, unpacked = Path(top, "packed"), Path(top, "unpacked")
        packed.mkdir()
        unpacked.mkdir()
        with mock.patch.object(corpus, "DIRECTORY", str(packed)):
            yield unpacked


class Format(unittest.TestCase):
    def test_rendered_inputs_are_parsed_to_the_same(self) -> None:
        self.assertEqual(corpus.parse(corpus.render(INPUTS, "x"), "x"), INPUTS)

    def test_named_inputs_come_first_and_the_others_are_sorted(self) -> None:
        lines = corpus.render(INPUTS, "x").splitlines()[2:]
        self.assertEqual(lines, ["found-two: 0202", "-", "01"])

    def test_an_input_with_the_bytes_of_a_named_one_is_dropped(self) -> None:
        inputs = dict(INPUTS) | {corpus.file_name(b"\2\2"): b"\2\2"}
        self.assertEqual(corpus.render(inputs, "x"), corpus.render(INPUTS, "x"))

    def test_a_line_that_is_not_hexadecimal_is_refused(self) -> None:
        for line in ("0", "0g", "AB", "found-x 00", "other: 00", ""):
            with self.assertRaises(corpus.CorpusError):
                corpus.parse(f"00\n{line}\n", "x")

    def test_an_input_that_is_there_twice_is_refused(self) -> None:
        with self.assertRaises(corpus.CorpusError):
            corpus.parse("00\n00\n", "x")

    def test_the_corpora_in_the_tree_are_as_they_would_be_written(self) -> None:
        paths = sorted(FUZZ.glob("corpus/*.txt"))
        self.assertTrue(paths)
        for path in paths:
            text = path.read_text(encoding="ascii")
            self.assertEqual(corpus.render(corpus.parse(text, str(path)), path.stem),
                             text, path.name)


class Directories(unittest.TestCase):
    def test_unpacking_writes_all_inputs_and_deletes_other_files(self) -> None:
        with directories() as inputs:
            corpus.store("x", INPUTS)
            (inputs / "old").write_bytes(b"old")
            corpus.unpack("x", str(inputs))
            self.assertEqual({path.name: path.read_bytes() for path in inputs.iterdir()},
                             INPUTS)

    def test_packing_keeps_named_inputs_and_replaces_the_others(self) -> None:
        with directories() as inputs:
            corpus.store("x", INPUTS)
            (inputs / "new").write_bytes(b"\3")
            corpus.pack("x", str(inputs))
            self.assertEqual(corpus.load("x"), {"found-two": b"\2\2",
                                                corpus.file_name(b"\3"): b"\3"})

    def test_a_finding_is_added_once_under_its_name(self) -> None:
        with directories() as inputs:
            (inputs / "crash").write_bytes(b"\4")
            corpus.add("x", str(inputs / "crash"), "found-crash")
            self.assertEqual(corpus.load("x"), {"found-crash": b"\4"})
            for name in ("found-crash", "crash"):
                with self.assertRaises(corpus.CorpusError):
                    corpus.add("x", str(inputs / "crash"), name)

    def test_a_harness_without_a_corpus_has_no_inputs(self) -> None:
        with directories(), contextlib.redirect_stdout(io.StringIO()) as out:
            corpus.count("x")
        self.assertEqual(out.getvalue(), "x: 0 inputs, 0 bytes\n")
