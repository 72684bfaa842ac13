# SPDX-License-Identifier: GPL-2.0
"""The ABI of the libraries, compared with the committed ABI.

abidw, in the root of the main lab, describes the exported functions and the types in the
public headers. Other compilers describe the same ABI in other words, so only this root
compares. The committed file has no paths and no line numbers.
"""
import re
from pathlib import Path

from . import build, kernels, paths, process, root
from .entry import Usage
from .kernels import Kernel
from .message import say

LIBRARIES = {"libvuser": paths.TOP / "user/lib",
             "libvhost-user": paths.TOP / "user/libvhost-user"}
ABIDW = ["abidw", "--exported-interfaces-only", "--drop-undefined-syms",
         "--drop-private-types", "--no-show-locs",
         "--no-corpus-path", "--no-comp-dir-path", "--no-elf-needed", "--no-parameter-names",
         "--no-write-default-sizes", "--type-id-style", "hash"]
# Without --harmless, abidiff passes over the new name of a member.
ABIDIFF = ["abidiff", "--harmless"]
# abidiff wants its own first line.
LICENSE = "  <!-- SPDX-License-Identifier: BSD-3-Clause -->\n"
ADVICE = ("Documentation/library-abi.rst says which changes are allowed; "
          "lab/abi --write accepts them")


def committed(name: str) -> Path:
    return LIBRARIES[name] / f"{name}.abi"


def present(kernel: Kernel, name: str) -> Path:
    return build.directory(kernel) / "abi" / f"{name}.abi"


def refined(text: str) -> str:
    """A description without the symbols of other libraries, and with its license."""
    text = re.sub(r" *<undefined-elf-(\w+)-symbols>.*?</undefined-elf-\1-symbols>\n", "", text,
                  flags=re.S)
    first, rest = text.split("\n", 1)
    return f"{first}\n{LICENSE}{rest}"


def describe(kernel: Kernel) -> None:
    """Compile the libraries as they are, and describe them."""
    where = present(kernel, "").parent
    process.run(build.make(kernel, "-C", "user", f"O={paths.inside(where)}",
                           "CFLAGS=-O0 -g", "libs"))
    for name, directory in LIBRARIES.items():
        process.run(root.inside(kernel, [
            *ABIDW, "--headers-dir", paths.inside(directory / "include"),
            "--out-file", paths.inside(present(kernel, name)),
            f"{paths.inside(where)}/lib/{name}.so"]))
        path = present(kernel, name)
        path.write_text(refined(path.read_text(encoding="utf-8")), encoding="utf-8")


def differences(kernel: Kernel, old: Path, new: Path) -> str:
    """The report of abidiff; empty if both files describe the same ABI."""
    status, text = process.output_of_any(root.inside(kernel, [
        *ABIDIFF, paths.inside(old), paths.inside(new)]))
    return (text or f"exit status {status} of abidiff") if status else ""


def planted(text: str) -> dict[str, str]:
    """Descriptions of the same library, each with one change that abidiff must find."""
    lines = text.splitlines(keepends=True)

    def without(mark: str) -> str:
        found = next(i for i, line in enumerate(lines) if mark in line)
        return "".join(lines[:found] + lines[found + 1:])

    def changed(mark: str, old: str, new: str) -> str:
        found = next(i for i, line in enumerate(lines) if mark in line and old in line)
        return "".join([*lines[:found], lines[found].replace(old, new, 1), *lines[found + 1:]])

    return {
        "a symbol is missing": without("<elf-symbol "),
        "a symbol has another version": changed("<elf-symbol ", "_0'", "_1'"),
        "a structure has another size": changed("<class-decl ", "size-in-bits='",
                                                "size-in-bits='9"),
        "a member has another offset": changed("<data-member ", "in-bits='64'",
                                               "in-bits='72'"),
        "a member has another name": changed("<var-decl name=", "name='", "name='planted_"),
    }


def check() -> str:
    """What differs from the committed ABI; a function for lint."""
    kernel = kernels.main_kernel()
    describe(kernel)
    found = "".join(differences(kernel, committed(name), present(kernel, name))
                    for name in LIBRARIES)
    return f"{found}\n{ADVICE}" if found else ""


def check_planted() -> str:
    """The planted changes that abidiff does not find; a function for lint."""
    kernel = kernels.main_kernel()
    missed = []
    for name in LIBRARIES:
        path = build.directory(kernel) / "abi/planted.abi"
        path.parent.mkdir(parents=True, exist_ok=True)
        for what, text in planted(committed(name).read_text(encoding="utf-8")).items():
            path.write_text(text, encoding="utf-8")
            report = differences(kernel, committed(name), path)
            if "changes summary" not in report:
                missed.append(f"{name}: not found: {what}\n{report}")
    return "\n".join(missed)


def command(arguments: list[str]) -> int:
    """Compare the ABI with the committed files, or write them."""
    process.need_root()
    if arguments == ["--write"]:
        kernel = kernels.main_kernel()
        describe(kernel)
        for name in LIBRARIES:
            if committed(name).exists():
                print(differences(kernel, committed(name), present(kernel, name)), end="")
            committed(name).write_bytes(present(kernel, name).read_bytes())
            say(f"{committed(name).relative_to(paths.TOP)} is written")
        return 0
    if arguments:
        raise Usage("unknown arguments")
    text = check()
    print(text or "the ABI of the libraries is the committed one")
    return int(bool(text))
