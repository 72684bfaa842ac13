# SPDX-License-Identifier: GPL-2.0
"""kmod/btf.py reads the kernel's BTF, and the module knows the kernels of the table."""
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from vuserlab import kernels, paths

INT, PTR, STRUCT, ENUM, FUNC_PROTO = 1, 2, 4, 6, 13


class Types:
    """BTF with a few types."""

    def __init__(self) -> None:
        self.strings = b"\0"
        self.types = b""

    def string(self, text: str) -> int:
        self.strings += text.encode() + b"\0"
        return len(self.strings) - len(text) - 1

    def add(self, name: str, kind: int, nr: int, size: int, *words: int) -> None:
        self.types += struct.pack(f"<III{len(words)}I", self.string(name) if name else 0,
                                  kind << 24 | nr, size, *words)

    def bytes(self) -> bytes:
        return struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(self.types),
                           len(self.types), len(self.strings)) + self.types + self.strings


class Layouts(unittest.TestCase):
    def run_on(self, data: bytes | None, *names: str) -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as directory:
            if data is not None:
                (Path(directory) / "vmlinux").write_bytes(data)
            done = subprocess.run([sys.executable, paths.TOP / "kmod/btf.py", directory,
                                   "0.0-none", *names],
                                  capture_output=True, text=True, check=True)
        return done.stdout, done.stderr

    def test_offsets_types_and_values_are_written(self) -> None:
        types = Types()
        types.add("int", INT, 0, 4, 32)                      # 1
        types.add("", PTR, 0, 0)                             # 2: void *
        types.add("", FUNC_PROTO, 2, 1, 0, 2, 0, 1)          # 3: int (void *, int)
        types.add("", PTR, 0, 3)                             # 4: int (*)(void *, int)
        types.add("ops", STRUCT, 2, 16, types.string("owner"), 2, 0,
                  types.string("call"), 4, 64)
        types.add("kind", ENUM, 2, 4, types.string("KIND_A"), 0, types.string("KIND_B"), 7)
        out, err = self.run_on(types.bytes(), "ops", "kind")
        self.assertEqual(err, "")
        for line in ("#define BTF_KERNEL", "#define BTF_SIZE_ops 16",
                     "#define BTF_OFFSET_ops__owner 0", "#define BTF_OFFSET_ops__call 8",
                     "#define BTF_ENUM_KIND_B 7"):
            self.assertIn(line + "\n", out)
        self.assertIn("BTF_SAME_TYPE(ops, owner, void *)", out)
        self.assertIn("BTF_SAME_TYPE(ops, call, int (*)(void *, int ))", out)

    def test_name_without_type_is_reported(self) -> None:
        out, err = self.run_on(Types().bytes(), "ops")
        self.assertNotIn("ops", out)
        self.assertIn("has no ops", err)

    def test_kernel_without_btf_is_reported(self) -> None:
        out, err = self.run_on(None, "ops")
        self.assertNotIn("#define", out)
        self.assertIn("has no BTF", err)


class Known(unittest.TestCase):
    def test_module_builds_for_the_kernels_of_the_table(self) -> None:
        text = (paths.TOP / "kmod/compat.h").read_text()
        known = {f"{major}.{minor}" for major, minor in
                 re.findall(r"!VUSER_IS_KERNEL\((\d+), (\d+)\)", text)}
        tested = {kernel.versions["Linux"].split()[0] for kernel in kernels.load().checked}
        self.assertEqual(known, tested)
