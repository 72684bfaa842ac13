# SPDX-License-Identifier: GPL-2.0
"""The command line of a machine's QEMU."""
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from . import kernels, paths
from .kernels import Kernel
from .message import LabError

KERNEL_WORDS = (
    "console=ttyS0", "mitigations=off", "panic=-1", "oops=panic", "nokaslr",
    "hung_task_panic=0", "random.trust_cpu=on", "no_timer_check", "net.ifnames=0",
    "tsc=reliable", "intel_iommu=on", "log_buf_len=8M",
    "systemd.condition_needs_update=no",
)
# Emulated fast string instructions are slow: they take a step for each byte. A kernel on a
# processor without them clears memory five times as fast.
EMULATED = ["-cpu", "max,la57=off,-erms,-fsrm,-fzrm,-fsrs,-fsrc"]
# The physical devices of a machine, for vfio-pci: 1234:11e8, 8086:10d3, 1b36:0010.
# selftests/suites/28-twice.sh makes the same ones again.
PHYSICAL = ["edu", "e1000e,mac=52:54:00:76:75:73,romfile=",
            "nvme,drive=nvme,serial=vuser"]


@dataclass(frozen=True)
class Settings:
    """The properties of a machine that a person or a command may choose."""
    cpus: int = 2
    memory: int = 3072  # MiB
    hugepages: int = 0  # of 2 MiB
    init: str = "lab"
    append: str = ""
    clock: str = ""

    def __post_init__(self) -> None:
        if self.clock not in ("", "instructions"):
            raise LabError(f"CLOCK is 'instructions' or nothing, not '{self.clock}'")
        if self.init not in ("lab", "systemd"):
            raise LabError(f"INIT is 'lab' or 'systemd', not '{self.init}'")


def number(values: Mapping[str, str], name: str, default: int) -> int:
    """A number from the environment."""
    text = values.get(name) or str(default)
    if not text.isdecimal():
        raise LabError(f"{name} is a number, not '{text}'")
    return int(text)


def settings(memory: int = Settings.memory, hugepages: int = Settings.hugepages,
             values: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the environment, else these defaults."""
    return Settings(cpus=number(values, "CPUS", Settings.cpus),
                    memory=number(values, "MEMORY", memory),
                    hugepages=number(values, "HUGEPAGES", hugepages),
                    init=values.get("INIT") or Settings.init,
                    append=values.get("APPEND", ""), clock=values.get("CLOCK", ""))


def accelerator(clock: str, kvm: bool) -> list[str]:
    """How the processors run.

    With the clock "instructions" each instruction takes a nanosecond of the machine's
    time and one processor runs after the other: what is measured is the same each time.
    """
    tcg = "tcg,tb-size=512"
    if clock == "instructions":
        return [*EMULATED, "-accel", f"{tcg},thread=single",
                "-icount", "shift=0,sleep=off"]
    if kvm:
        return ["-accel", "kvm", "-cpu", "max,la57=off"]
    return [*EMULATED, "-accel", f"{tcg},thread=multi"]


def program(top: Path) -> list[str]:
    """The QEMU of the main lab's root, whatever the host has.

    That of Debian 13 emulates a third faster than that of Debian 12.
    """
    return [f"{top}/lib64/ld-linux-x86-64.so.2",
            "--library-path", f"{top}/usr/lib/x86_64-linux-gnu",
            f"{top}/usr/bin/qemu-system-x86_64",
            "-L", f"{top}/usr/share/qemu", "-L", f"{top}/usr/share/seabios"]


def kernel_command_line(kernel: Kernel, chosen: Settings, state: Path) -> str:
    """@state is the machine's directory, where its init finds its keys."""
    return " ".join([
        *KERNEL_WORDS, f"vuser.lab={kernel.name}",
        f"vuser.state={state.relative_to(paths.TOP)}", f"vuser.init={chosen.init}",
        f"hugepages={chosen.hugepages}", chosen.append]).strip()


def command(top: Path, kernel: Kernel, image: Path, state: Path, chosen: Settings,
            port: int) -> list[str]:
    """The words that run a machine.

    It has an IOMMU and PHYSICAL devices behind it, and a disk that can be written, for a
    test to map: /dev/vdb. Its second serial port is QEMU's standard output.
    """
    return [
        *program(top), "-machine", "q35",
        *accelerator(chosen.clock, kernels.can_virtualize()),
        "-smp", str(chosen.cpus), "-m", str(chosen.memory),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-device", "intel-iommu",
        *(word for device in PHYSICAL for word in ("-device", device)),
        "-blockdev", "driver=null-co,node-name=nvme,size=1048576,read-zeroes=on",
        "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initramfs",
        "-append", kernel_command_line(kernel, chosen, state),
        "-serial", f"file:{state}/console.log", "-serial", "chardev:words",
        "-drive", f"file={image}/root.erofs,format=raw,if=virtio,readonly=on",
        "-drive", "driver=null-co,size=1048576,read-zeroes=on,if=virtio",
        "-fsdev", f"local,id=vuser,path={paths.TOP},security_model=none,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=vuser,mount_tag=vuser",
        "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22",
        "-device", "virtio-net-pci,netdev=net,romfile=",
        "-device", "virtio-rng-pci",
        "-chardev", "stdio,id=words,signal=off"]
