# SPDX-License-Identifier: GPL-2.0
"""Machines with the module loaded and vuserd running: a command, or a shell, in one."""
import os
import sys

from . import build, kernels, machine, qemu
from .entry import Usage
from .kernels import Kernel

HUGEPAGES = 64


def lab(arguments: list[str]) -> Kernel:
    return kernels.load()[arguments[0]] if arguments else kernels.main_kernel()


def quiet_build(kernel: Kernel) -> None:
    """Build, with the compiler's output on standard error.

    Standard output has nothing but what the command prints.
    """
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        build.build(kernel, ["kmod", "user"])
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def in_new_machine(kernel: Kernel, name: str, words: list[str],
                   terminal: bool = False) -> int:
    """Build, boot a machine, run a program of lab/vm in it, remove the machine."""
    chosen = qemu.settings(hugepages=HUGEPAGES)
    quiet_build(kernel)
    one = machine.named(kernel, name)
    one.start(chosen)
    try:
        return one.execute(words, terminal=terminal, stdin=None)
    finally:
        one.remove()


def run_command(arguments: list[str]) -> int:
    """Run one command line in a machine, and end with its exit status."""
    if len(arguments) != 2:
        raise Usage("it takes a lab and one command line")
    line = arguments[1]
    if not line.strip():
        raise Usage("the command line is empty")
    return in_new_machine(lab(arguments), f"run-{os.getpid()}", ["lab/vm/run", line])


def make_command(arguments: list[str]) -> int:
    """The same for make, which gives the command line in a variable."""
    line = os.environ.get("LAB_COMMAND", "")
    if not line.strip():
        raise Usage("there is no command line; try: make lab-run CMD='vuserctl list'")
    return run_command([lab(arguments).name, line])


def shell_command(arguments: list[str]) -> int:
    """A shell for a person in a machine."""
    if len(arguments) > 1:
        raise Usage("it takes one lab")
    return in_new_machine(lab(arguments), "shell", ["lab/vm/shell"], terminal=True)
