# SPDX-License-Identifier: GPL-2.0
"""A virtual machine of a lab: boot it, run commands in it, end it.

Its state is in build/LAB/vm-NAME, so that other commands find it: the process of QEMU,
the console's log, keys, and the configuration of ssh.
"""
import os
import random
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Sequence

from . import cache, host, image, kernels, paths, process, qemu, root
from .entry import Usage
from .kernels import Kernel
from .message import LabError, say

# Seconds where there is KVM. The slowness of the kernel multiplies the first two limits.
BOOT_LIMIT = 180
BOOTS = 4  # at most, until the clock and the timers are right
CONNECT_LIMIT = 30  # for ssh to connect
STOP_LIMIT = 20

SSH_CONFIG = """\
Host vm
	HostName 127.0.0.1
	Port {port}
	User root
	HostKeyAlias vuser-lab
	UserKnownHostsFile {state}/known_hosts
	IdentityFile {state}/key
	IdentitiesOnly yes
	BatchMode yes
	ConnectTimeout {connect}
	ControlPath {control}
	LogLevel ERROR
	ServerAliveInterval 10
	ServerAliveCountMax 12
"""


def free_port() -> int:
    """A port of 127.0.0.1 on which no process listens.

    It is below those that the kernel gives to programs that connect.
    """
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def clock_is_wrong(console: Path) -> bool:
    """Whether a kernel has measured its clock's speed with the wrong one of two timers.

    Under emulation on a busy host, the two results may differ. Linux then takes that of the
    PIT, and its time may run several times too fast: all time limits are too short.
    """
    return b"PIT calibration deviates from" in console.read_bytes()


def timer_is_lost(console: Path) -> bool:
    """Whether a kernel waits for a timer interrupt that the emulator has lost."""
    return b"kthread timer wakeup didn't happen" in console.read_bytes()


class TooSlow(LabError):
    """A boot that took too long."""


class Machine:
    """A machine by its lab and its name; several names are several machines."""

    def __init__(self, kernel: Kernel, name: str = "default") -> None:
        self.kernel = kernel
        self.name = name
        self.state = paths.BUILD / kernel.name / f"vm-{name}"
        self.console = self.state / "console.log"

    def pid(self) -> int | None:
        """The process of its QEMU, while it runs."""
        try:
            pid = int((self.state / "pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if f"file:{self.console}".encode() in words else None

    def alive(self) -> bool:
        return self.pid() is not None

    def _make_keys(self) -> None:
        for name in ("key", "hostkey"):
            process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vuser",
                         "-f", self.state / name])
        public = (self.state / "hostkey.pub").read_text().split()
        (self.state / "known_hosts").write_text(f"vuser-lab {public[0]} {public[1]}\n")

    def _configure_ssh(self, port: int) -> None:
        # The path of a socket must be short.
        control = tempfile.mktemp(prefix="vuser-lab-", dir="/tmp")
        (self.state / "control").write_text(control + "\n")
        (self.state / "ssh_config").write_text(
            SSH_CONFIG.format(port=port, state=self.state, control=control,
                              connect=CONNECT_LIMIT * kernels.slowness(self.kernel)))

    def _give_up(self, why: str, kind: type[LabError] = LabError) -> LabError:
        say(f"lab {self.kernel.name} did not start: {why}; "
            f"the end of its console ({self.console}):")
        process.show_tail(self.console, 40, sys.stderr)
        process.show_tail(self.state / "qemu.log", 20, sys.stderr)
        return kind(f"lab {self.kernel.name} did not start: {why}")

    def _launch(self, words: list[str]) -> subprocess.Popen[bytes]:
        """Start QEMU in a session of its own: no signal of the terminal ends it."""
        self.console.touch()
        with process.uninterrupted(), (self.state / "qemu.log").open("wb") as log:
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=log,
                                     start_new_session=True, pass_fds=cache.descriptors())
            (self.state / "pid").write_text(f"{child.pid}\n")
        return child

    def _wait(self, child: subprocess.Popen[bytes], limit: int) -> None:
        """Wait for the word "ready". A QEMU that ends closes its output: no polling."""
        assert child.stdout
        if not select.select([child.stdout], [], [], limit)[0]:
            raise self._give_up(f"it took over {limit} s", TooSlow)
        word = child.stdout.readline().decode(errors="replace").strip()
        if word != "ready":
            raise self._give_up(word or "it ended")

    def _connect(self, limit: int) -> None:
        """Open the connection that all commands share."""
        with (self.state / "ssh.log").open("wb") as log:
            result = process.status(["ssh", "-F", self.state / "ssh_config", "-M", "-N",
                                     "-f", "vm"], timeout=limit, stdout=log, stderr=log)
        if result != 0:
            raise self._give_up("no ssh connection")

    def start(self, settings: qemu.Settings) -> None:
        """Boot it and wait until it is ready, and again if its clock or its timers are wrong."""
        for _ in range(BOOTS):
            try:
                self._boot(settings)
            except TooSlow:
                if not timer_is_lost(self.console):
                    raise
                say(f"lab {self.kernel.name} lost a timer interrupt: boot it again")
                continue
            if not clock_is_wrong(self.console):
                return
            self.stop()
            say(f"lab {self.kernel.name} measured a wrong speed of its clock: boot it again")
        raise LabError(f"lab {self.kernel.name} has wrong speeds of its clock, or loses timer "
                       "interrupts: the host is too busy")

    def _boot(self, settings: qemu.Settings) -> None:
        limit = qemu.number(os.environ, "BOOT_LIMIT",
                            BOOT_LIMIT * kernels.slowness(self.kernel))
        host.install()
        emulator = root.of(kernels.main_kernel())
        files = image.of(self.kernel)
        if self.alive():
            raise LabError(f"lab {self.kernel.name} is running already (VM={self.name})")
        if self.state.exists():
            shutil.rmtree(self.state)
        self.state.mkdir(parents=True)
        self._make_keys()
        port = free_port()
        self._configure_ssh(port)
        try:
            child = self._launch(qemu.command(emulator / "root", self.kernel, files,
                                              self.state, settings, port))
            self._wait(child, limit)
            self._connect(limit)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Power it off. Its disk is read only, so there is nothing to sync."""
        pid = self.pid()
        if pid is None:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            if not select.select([descriptor], [], [], STOP_LIMIT)[0]:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
        (self.state / "pid").unlink(missing_ok=True)
        control = (self.state / "control").read_text().strip()
        Path(control).unlink(missing_ok=True)

    def remove(self) -> None:
        """Power it off, and remove its state with the console's log."""
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    def ssh(self, words: Sequence[str], terminal: bool = False) -> list[str]:
        """The words that run a command in it, in /vuser, with our VUSER_* variables."""
        if not self.alive():
            raise LabError(f"lab {self.kernel.name} is not running; "
                           f"lab/start {self.kernel.name} boots it")
        variables = {"LAB": self.kernel.name, "BUILD": f"/vuser/build/{self.kernel.name}",
                     "VUSER_CAPABILITIES": " ".join(self.kernel.capabilities),
                     "VUSER_SLOWNESS": str(self.kernel.slowness)}
        variables |= {name: value for name, value in os.environ.items()
                      if name.startswith("VUSER_")}
        command = shlex.join(["env", *(f"{name}={value}"
                                       for name, value in variables.items()), *words])
        return ["ssh", "-F", str(self.state / "ssh_config"), "-tt" if terminal else "-T",
                "vm", f"cd /vuser && exec {command}"]

    def execute(self, words: Sequence[str], timeout: int | None = None,
                terminal: bool = False, **options: Any) -> int:
        """Run a command in it, and return its exit status or process.TIMED_OUT."""
        return process.status(self.ssh(words, terminal), timeout, **options)

    def cpu_time(self) -> float:
        """Seconds that it has had of the host's processors."""
        text = Path(f"/proc/{self.pid()}/stat").read_text().rpartition(")")[2].split()
        return (int(text[11]) + int(text[12])) / os.sysconf("SC_CLK_TCK")


def named(kernel: Kernel, default: str = "default") -> Machine:
    """The machine of a lab that the variable VM names."""
    return Machine(kernel, os.environ.get("VM") or default)


def start_command(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    named(kernels.load()[arguments[0]]).start(qemu.settings())


def stop_command(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise Usage("it takes one lab")
    named(kernels.load()[arguments[0]]).stop()


def execute_command(arguments: list[str]) -> int:
    terminal = arguments[:1] == ["-t"]
    if terminal:
        arguments = arguments[1:]
    if len(arguments) < 2:
        raise Usage("it takes a lab and a command")
    limit = qemu.number(os.environ, "TIMEOUT", 0) or None
    return named(kernels.load()[arguments[0]]).execute(arguments[1:], limit, terminal,
                                                       stdin=None)
