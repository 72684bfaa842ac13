#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Write btf.h: the layouts of the kernel's structs and enums, for layouts.c to compare.

usage: btf.py OBJTREE RELEASE NAME... > btf.h

The layouts come from the kernel's type information (BTF): of OBJTREE/vmlinux, which
packages of kernel headers have, or of the kernel image of this RELEASE. Structs that vfio
defines come from the module vfio, if it is one. Without BTF the file has no layouts, and
standard error says so.

The format is in Documentation/bpf/btf.rst of the kernel.
"""
import gzip
import lzma
import os
import struct
import sys
import zlib

# Kinds of types, and the number of bytes after the 12 bytes of each type.
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, \
    FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(1, 20)
FIXED = {INT: 4, ARRAY: 12, VAR: 4, DECL_TAG: 4}
EACH = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}


# The comparisons.  A type comes last, because it may have commas.
MACROS = """
#define BTF_SAME_SIZE(_struct) \\
	static_assert(sizeof(struct _struct) == BTF_SIZE_##_struct, \\
		      "struct " #_struct " of the kernel has another size")
#define BTF_SAME_OFFSET(_struct, _member) \\
	static_assert(offsetof(struct _struct, _member) == BTF_OFFSET_##_struct##__##_member, \\
		      "struct " #_struct " of the kernel has " #_member " at another offset")
#define BTF_SAME_TYPE(_struct, _member, ...) \\
	static_assert(__builtin_types_compatible_p(typeof(((struct _struct *)0)->_member), \\
						   __VA_ARGS__), \\
		      "struct " #_struct " of the kernel has " #_member " with another type")
#define BTF_SAME_VALUE(_name) \\
	static_assert((_name) == BTF_ENUM_##_name, #_name " of the kernel has another value")
"""


class Type:
    def __init__(self, name, info, size, extra):
        self.name = name
        self.kind = info >> 24 & 0x1f
        self.nr = info & 0xffff
        self.bitfields = info >> 31
        self.size = size  # or the number of another type
        self.extra = extra


class Btf:
    """The types of the kernel, or of a module that continues the kernel's."""

    def __init__(self, data, base=None):
        magic, _, _, header, types, types_len, strings, strings_len = \
            struct.unpack_from("<HBBIIIII", data)
        if magic != 0xeb9f:
            raise ValueError("not BTF")
        self.base = base
        self.first_string = base.first_string + len(base.strings) if base else 0
        self.strings = data[header + strings:header + strings + strings_len]
        self.types = list(base.types) if base else [Type("void", 0, 0, b"")]
        at, end = header + types, header + types + types_len
        while at < end:
            name, info, size = struct.unpack_from("<III", data, at)
            kind = info >> 24 & 0x1f
            length = FIXED.get(kind, 0) + EACH.get(kind, 0) * (info & 0xffff)
            self.types.append(Type(self.string(name), info, size,
                                   data[at + 12:at + 12 + length]))
            at += 12 + length

    def string(self, offset):
        if offset < self.first_string:
            return self.base.string(offset)
        start = offset - self.first_string
        return self.strings[start:self.strings.index(0, start)].decode()

    def find(self, kind, name):
        for one in self.types:
            if one.kind == kind and one.name == name:
                return one
        return None

    def members(self, one, start=0):
        """Name, type and offset in bits of each member, also of anonymous ones."""
        for i in range(one.nr):
            name, number, bits = struct.unpack_from("<III", one.extra, 12 * i)
            if one.bitfields:
                bits &= 0xffffff
            member = self.types[number]
            if name:
                yield self.string(name), number, start + bits
            elif member.kind in (STRUCT, UNION):
                yield from self.members(member, start + bits)

    def declare(self, number, inner=""):
        """Declare `inner` with a type, as C does; None if C cannot name the type."""
        one = self.types[number]
        words = {INT: "", FLOAT: "", TYPEDEF: "", STRUCT: "struct ", UNION: "union ",
                 ENUM: "enum ", ENUM64: "enum ", FWD: "struct "}
        if number == 0:
            return f"void {inner}"
        if one.kind in words:
            return f"{words[one.kind]}{one.name} {inner}" if one.name else None
        if one.kind == PTR:
            target = self.types[one.size]
            if target.kind in (FUNC_PROTO, ARRAY):
                return self.declare(one.size, f"(*{inner})")
            return self.declare(one.size, f"*{inner}")
        if one.kind in (CONST, VOLATILE, RESTRICT):
            word = {CONST: "const ", VOLATILE: "volatile ", RESTRICT: "restrict "}
            target = self.types[one.size]
            if target.kind == PTR:
                return self.declare(one.size, f"{word[one.kind]}{inner}")
            rest = self.declare(one.size, inner)
            return rest and word[one.kind] + rest
        if one.kind == TYPE_TAG:
            return self.declare(one.size, inner)
        if one.kind == ARRAY:
            number, _, count = struct.unpack("<III", one.extra)
            return self.declare(number, f"{inner}[{count}]")
        if one.kind == FUNC_PROTO:
            arguments = [self.declare(struct.unpack_from("<II", one.extra, 8 * i)[1])
                         for i in range(one.nr)]
            if None in arguments:
                return None
            return self.declare(one.size, f"{inner}({', '.join(arguments) or 'void'})")
        return None


def section(data, name):
    """The contents of a section of an ELF file for x86-64."""
    if data[:4] != b"\x7fELF":
        raise ValueError("not ELF")
    headers, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3a)
    table = [struct.unpack_from("<IIQQQQ", data, headers + i * size) for i in range(count)]
    for found, _, _, _, offset, length in table:
        start = table[names][4] + found
        if data[start:data.index(b"\0", start)] == name:
            return data[offset:offset + length]
    raise ValueError("no section " + name.decode())


def unpack_image(data):
    """The kernel inside of a bzImage."""
    for magic, unpack in ((b"\x1f\x8b\x08", lambda d: zlib.decompressobj(31).decompress(d)),
                          (b"\xfd7zXZ\0", lambda d: lzma.LZMADecompressor().decompress(d))):
        at = data.find(magic)
        while at >= 0:
            try:
                return unpack(data[at:])
            except (zlib.error, lzma.LZMAError):
                at = data.find(magic, at + 1)
    raise ValueError("an image that is compressed in an unknown way")


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".xz"):
        data = lzma.decompress(data)
    if path.endswith(".gz"):
        data = gzip.decompress(data)
    if "vmlinuz" in os.path.basename(path):
        data = unpack_image(data)
    return data[:] if data[:2] == b"\x9f\xeb" else section(data, b".BTF")


def first(paths, base=None):
    """The types in the first of the files that has any."""
    for path in paths:
        try:
            return Btf(read(path), base)
        except (OSError, ValueError, lzma.LZMAError):
            continue
    return None


def kernel_and_vfio(objtree, release):
    image = [f"{objtree}/vmlinux", f"/boot/vmlinuz-{release}",
             f"/lib/modules/{release}/vmlinuz"]
    module = f"/lib/modules/{release}/kernel/drivers/vfio/vfio.ko"
    modules = [module, module + ".xz", module + ".gz"]
    if release == os.uname().release:
        image.insert(1, "/sys/kernel/btf/vmlinux")
        modules.append("/sys/kernel/btf/vfio")
    kernel = first(image)
    return kernel, first(modules, kernel) if kernel else None


def write_struct(btf, one):
    print(f"#define BTF_SIZE_{one.name} {one.size}")
    same = []
    for member, number, bits in btf.members(one):
        print(f"#define BTF_OFFSET_{one.name}__{member} {bits // 8}")
        same.append(f"BTF_SAME_OFFSET({one.name}, {member})")
        declared = btf.declare(number)
        if declared:
            same.append(f"BTF_SAME_TYPE({one.name}, {member}, {declared.strip()})")
    print(f"#define BTF_SAME_MEMBERS_{one.name} \\\n\t" + "; \\\n\t".join(same))


def write_enum(btf, one):
    for i in range(one.nr):
        offset, value = struct.unpack_from("<Ii", one.extra, 8 * i)
        print(f"#define BTF_ENUM_{btf.string(offset)} {value}")


def write(btf, name):
    """Write a struct or an enum; false if there is none of this name."""
    for kind, how in ((STRUCT, write_struct), (ENUM, write_enum)):
        one = btf.find(kind, name)
        if one:
            how(btf, one)
            return True
    return False


def main():
    objtree, release, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    kernel, vfio = kernel_and_vfio(objtree, release)
    print("/* Made by btf.py from the type information of", release, "*/")
    if not kernel:
        print(f"vuser: Linux {release} has no BTF here: the layouts that vuser copies are "
              "not compared with the kernel's", file=sys.stderr)
        return
    print("#define BTF_KERNEL" + MACROS)
    for name in names:
        for btf in filter(None, (kernel, vfio)):
            if write(btf, name):
                break
        else:
            print(f"vuser: the BTF of Linux {release} has no {name}: it is not compared",
                  file=sys.stderr)


main()
