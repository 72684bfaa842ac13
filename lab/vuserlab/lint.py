# SPDX-License-Identifier: GPL-2.0
"""Look at the sources with every tool that knows the style.

Prints TAP, with what the tools found as comments. Each check returns what it found; it
passes when that is nothing.
"""
import fnmatch
import functools
import os
import re
import sys
from typing import Callable

from . import abi, build, host, htmldocs, kernels, paths, process, root, source
from .entry import no_arguments
from .kernels import Kernel
from .message import LabError

# Not sources, or written by tools.
SKIPPED_DIRECTORIES = {"build", ".git", "__pycache__"}
SKIPPED_FILES = ("*.mod.c", "*.o", "*.ko", "*.cmd", "*.mod", "*.pyc", ".git")
SHELL = re.compile(rb"#!.*[/ ](ba)?sh|# shellcheck shell")
PYTHON = re.compile(rb"#!.*[/ ]python3")
# Spelled so that this line does not find itself.
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")

COMPAT = "kmod/compat.h"
TRACE = "kmod/trace.h"
CHECKPATCH = ["perl", "/usr/src/linux/scripts/checkpatch.pl", "--strict", "--terse",
              "--quiet", "--no-tree", "--no-summary", "--show-types",
              # kzalloc_obj and its like, which it would have, are not there before 7.0.
              "--ignore", "ALLOC_WITH_SIZEOF", "-f"]


def sources(*patterns: str) -> list[str]:
    """The sources whose path in the tree matches a pattern; "*" matches "/" too.

    Symbolic links are left out: their targets are sources as well.
    """
    found = []
    for directory, names, files in os.walk(paths.TOP):
        names[:] = [name for name in names if name not in SKIPPED_DIRECTORIES]
        for file in files:
            path = os.path.relpath(os.path.join(directory, file), paths.TOP)
            if os.path.islink(paths.TOP / path):
                continue
            if any(fnmatch.fnmatchcase(file, one) for one in SKIPPED_FILES):
                continue
            if any(fnmatch.fnmatchcase(path, one) for one in patterns):
                found.append(path)
    return sorted(found)


def beginning(path: str, lines: int = 1) -> bytes:
    """The first lines of a source."""
    with (paths.TOP / path).open("rb") as file:
        return b"".join(file.readline(4096) for _ in range(lines))


def scripts(pattern: re.Pattern[bytes]) -> list[str]:
    """The sources whose first or third line says in which language they are."""
    return [path for path in sources("*") if (paths.TOP / path).is_file()
            and not path.startswith("LICENSES/")
            and any(pattern.match(line) for line in beginning(path, 3).splitlines())]


def in_root(kernel: Kernel, *words: str) -> str:
    """Run a tool in a root and return its output, or a message if it failed silently."""
    status, text = process.output_of_any(root.inside(kernel, list(words)))
    if status != 0 and not text:
        return f"exit status {status} of {words[0]}"
    return text


def strict_build(kernel: Kernel) -> str:
    """All of the module, with the compiler's extra warnings and sparse.

    Findings in the kernel's own headers are left out.
    """
    log = build.directory(kernel) / "strict.log"
    if kernel.name not in os.environ.get("BUILT", "").split():
        log.unlink(missing_ok=True)
        status, text = process.output_of_any(["env", "STRICT=1", sys.executable,
                                              paths.LAB / "build", kernel.name, "kmod"])
        if status != 0:
            return "\n".join(text.splitlines()[-40:])
    if not log.exists():
        return "it was not built"
    ours = re.compile(rf"(/vuser/build/{re.escape(kernel.name)}/module/|\.\./|kmod/|"
                      r"([a-z0-9]+/)?[a-z0-9_]+\.[ch]:)")
    text = log.read_text(errors="replace")
    if "sparse is not available" in text:
        return "sparse did not run"
    return "\n".join(line for line in text.splitlines() if ours.match(line))


def checkpatch() -> str:
    """checkpatch.pl, with exceptions for two headers.

    compat.h is the only place for differences between versions. The macros of trace.h have
    a style of their own, as in the kernel's headers of trace events.
    """
    kernel = kernels.main_kernel()
    code = [path for path in sources("kmod/*.[ch]", "include/uapi/*.h")
            if path not in (COMPAT, TRACE)]
    text = process.output_of_any(root.inside(kernel, [*CHECKPATCH, *code]))[1]
    text += process.output_of_any(root.inside(kernel, [
        *CHECKPATCH, COMPAT, "--ignore", "LINUX_VERSION_CODE,CONSTANT_COMPARISON",
        "--ignore", "MACRO_ARG_REUSE"]))[1]
    return text + process.output_of_any(root.inside(kernel, [
        *CHECKPATCH, TRACE, "--ignore", "OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT"]))[1]


def clang_format() -> str:
    code = [path for path in sources("user/*.[ch]", "selftests/*.[ch]")
            if "-gen." not in path]
    return in_root(kernels.main_kernel(), "clang-format", "--dry-run", "-Werror", *code)


def shellcheck() -> str:
    return in_root(kernels.main_kernel(), "shellcheck", "-x", "-S", "warning",
                   *scripts(SHELL))


def python_sources() -> list[str]:
    return sorted({*sources("*.py"), *scripts(PYTHON)})


def pyflakes() -> str:
    return in_root(kernels.main_kernel(), "pyflakes3", *python_sources())


def python_compiles() -> str:
    """Compile every program with the oldest Python; a warning is an error."""
    program = ("import sys\n"
               "for name in sys.argv[1:]:\n"
               "    with open(name, encoding='utf-8') as file:\n"
               "        compile(file.read(), name, 'exec')\n")
    return in_root(kernels.load().checked[0], "python3", "-W", "error", "-c", program,
                   *python_sources())


def licences() -> str:
    wanted = sources("kmod/*", "user/*", "include/*", "selftests/*", "lab/*", "Makefile",
                     "Kconfig", "*.yaml")
    return "\n".join(f"{path}: no SPDX-License-Identifier" for path in wanted
                     if path != "user/BUILD-DEPENDS"
                     and b"SPDX-License-Identifier" not in beginning(path, 4))


def marks() -> str:
    """Marks of unfinished work."""
    found = []
    for path in sources("*"):
        if path.startswith("LICENSES/") or not (paths.TOP / path).is_file():
            continue
        data = (paths.TOP / path).read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
            if MARKS.search(line):
                found.append(f"{path}:{number}: {line}")
    return "\n".join(found)


def generated() -> str:
    """The netlink code is generated from the specification, and up to date."""
    return in_root(kernels.main_kernel(), "Documentation/netlink/regen.sh",
                   "/usr/src/linux", "--check")


def documentation() -> str:
    """Sphinx prints only warnings."""
    status, text = htmldocs.render()
    return text or ("" if status == 0 else f"exit status {status} of sphinx-build")


def own_check(name: str, *options: str) -> Callable[[], str]:
    """A program in lab/checks: it prints findings, one a line, and ends with status 1."""
    def check() -> str:
        status, text = process.output_of_any([sys.executable,
                                              paths.LAB / "checks" / name, *options])
        if status == 0:
            return ""
        return text or f"exit status {status} of lab/checks/{name}"

    return check


def all_checks() -> list[tuple[str, Callable[[], str]]]:
    """Name and function of every check."""
    builds: list[tuple[str, Callable[[], str]]] = [
        (f"{' '.join(build.strict_options(kernel))} on {kernel.name}",
         functools.partial(strict_build, kernel))
        for kernel in reversed(kernels.load().checked)]
    return [
        *builds,
        ("checkpatch.pl --strict", checkpatch),
        ("clang-format", clang_format),
        ("shellcheck", shellcheck),
        ("pyflakes3", pyflakes),
        ("all Python compiles without warnings", python_compiles),
        ("layers: planted breaches are found", own_check("layers.py", "--self-test")),
        ("layers: the code is in layers", own_check("layers.py")),
        ("phrases: no phrase that is hard to read", own_check("phrases.py")),
        ("phrases: each pattern works", own_check("phrases.py", "--self-test")),
        ("the ABI of the libraries is the committed one", abi.check),
        ("abidiff finds planted changes of the ABI", abi.check_planted),
        ("SPDX tags", licences),
        ("no marks of unfinished work", marks),
        ("generated code is up to date", generated),
        ("the documentation builds without warnings", documentation),
    ]


def report(number: int, name: str, check: Callable[[], str]) -> bool:
    """Run a check and print its TAP; return whether it passed."""
    try:
        found = check()
    except (LabError, OSError) as error:
        found = str(error)
    print(f"{'not ok' if found else 'ok'} {number} - {name}")
    for line in found.splitlines():
        print(f"# {line}")
    sys.stdout.flush()
    return not found


def main(arguments: list[str]) -> int:
    no_arguments(arguments)
    process.need_root()
    host.install()
    source.of()
    passed = [report(number, name, check)
              for number, (name, check) in enumerate(all_checks(), 1)]
    print(f"1..{len(passed)}")
    return 0 if all(passed) else 1
