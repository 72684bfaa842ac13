# SPDX-License-Identifier: GPL-2.0
"""Children, and how commands end."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from vuserlab import paths, process
from vuserlab.message import LabError

# A command as those in lab/, with a body that each test gives.
COMMAND = """
import sys
sys.path.insert(0, {lab!r})
from vuserlab import entry, process
from vuserlab.message import LabError
def command(arguments):
    {body}
entry.main(command, "usage: it")
"""


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def default_signals() -> None:
    """Undo what a shell does to commands in the background: they ignore SIGINT."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def lab_command(body: str) -> list[str]:
    return [sys.executable, "-c", COMMAND.format(lab=str(paths.LAB), body=body)]


class Status(unittest.TestCase):
    def test_the_status_is_that_of_the_command(self) -> None:
        self.assertEqual(process.status(["sh", "-c", "exit 7"]), 7)

    def test_a_command_that_a_signal_ended_has_the_status_of_a_shell(self) -> None:
        self.assertEqual(process.status(["sh", "-c", "kill -9 $$"]), 137)

    def test_a_command_that_takes_too_long_is_ended(self) -> None:
        self.assertEqual(process.status(["sleep", "60"], timeout=0.1), process.TIMED_OUT)

    def test_a_command_that_must_succeed_raises_with_its_words(self) -> None:
        with self.assertRaisesRegex(LabError, "exit status 3 of: sh -c 'exit 3'"):
            process.run(["sh", "-c", "exit 3"])

    def test_a_pipe_fails_when_any_part_of_it_fails(self) -> None:
        process.pipe(["echo", "x"], ["grep", "-q", "x"])
        with self.assertRaises(LabError):
            process.pipe(["sh", "-c", "echo x; exit 1"], ["grep", "-q", "x"])

    def test_a_logged_command_that_fails_leaves_its_log(self) -> None:
        with tempfile.TemporaryDirectory() as here:
            log = Path(here) / "log"
            code = ("from pathlib import Path\n"
                    "    process.logged(['sh', '-c', 'echo out; echo err >&2; exit 1'], "
                    f"Path({str(log)!r}), 'no luck')")
            done = subprocess.run(lab_command(code), capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no luck", done.stderr)
            self.assertEqual(log.read_text(), "out\nerr\n")


class Ends(unittest.TestCase):
    def test_an_error_is_a_message_and_status_1(self) -> None:
        done = subprocess.run(lab_command("raise LabError('no luck')"), check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (1, "-c: no luck\n"))

    def test_wrong_usage_is_a_message_and_status_2(self) -> None:
        done = subprocess.run(lab_command("raise entry.Usage('no x')"), check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, "-c: no x\nusage: it\n"))

    def test_a_signal_ends_children_and_finally_blocks_run(self) -> None:
        body = """
    try:
        print(process.start(["sleep", "1000"]).pid, flush=True)
        process.status(["sleep", "1000"])
    finally:
        print("cleaned up", flush=True)
"""
        for number in SIGNALS:
            with subprocess.Popen(lab_command(body), stdout=subprocess.PIPE, text=True,
                                  preexec_fn=default_signals) as child:
                assert child.stdout
                pid = int(child.stdout.readline())
                child.send_signal(number)
                self.assertEqual(child.stdout.read(), "cleaned up\n")
                self.assertEqual(child.wait(), 128 + number)
                self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_a_child_that_starts_at_a_signal_can_be_terminated(self) -> None:
        body = """
    with process.uninterrupted():
        print("guarded", flush=True)
        sys.stdin.readline()
        child = process.start(["sleep", "1000"])
        print(child.pid, flush=True)
"""
        with subprocess.Popen(lab_command(body), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True,
                              preexec_fn=default_signals) as child:
            assert child.stdin and child.stdout
            self.assertEqual(child.stdout.readline(), "guarded\n")
            child.send_signal(signal.SIGTERM)
            child.stdin.write("\n")
            child.stdin.close()
            pid = int(child.stdout.readline())
            self.assertEqual(child.wait(), 128 + signal.SIGTERM)
            self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_a_command_that_ignores_sigint_keeps_ignoring_it(self) -> None:
        body = "import os, signal; os.kill(os.getpid(), signal.SIGINT); return 5"
        words = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *lab_command(body)]
        self.assertEqual(subprocess.run(words, check=False).returncode, 5)

    def test_closed_standard_files_are_not_taken_by_others(self) -> None:
        body = ("import os; number = os.open('/dev/zero', os.O_RDONLY); "
                "sys.exit(0 if number > 2 else 1)")
        words = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *lab_command(body)]
        self.assertEqual(subprocess.run(words, check=False).returncode, 0)

    def test_a_reader_that_goes_ends_a_command_quietly(self) -> None:
        body = "[print('x' * 1000, flush=True) for _ in range(1000)]"
        done = subprocess.run(
            ["bash", "-c", '"$@" | head -n 1 > /dev/null; exit ${PIPESTATUS[0]}', "sh",
             *lab_command(body)], check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (128 + signal.SIGPIPE, ""))

    def test_every_command_says_how_it_is_used(self) -> None:
        for path in sorted(paths.LAB.iterdir()):
            if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/python3"):
                with self.subTest(path.name):
                    done = subprocess.run([path, "--help"], check=False,
                                          capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0)
                    self.assertIn(f"lab/{path.name}", done.stdout)
