#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Pack and unpack the corpora of the fuzzers.

usage: corpus.py unpack HARNESS DIRECTORY
       corpus.py pack HARNESS DIRECTORY
       corpus.py add HARNESS FILE found-WHAT
       corpus.py count HARNESS

  unpack  write each input to a file of its own in DIRECTORY; delete other files there
  pack    replace the inputs without a name with the files in DIRECTORY; inputs with a
          name stay
  add     add FILE, the input of a finding, under the name found-WHAT
  count   print the number of inputs and their size in bytes

The corpus of a harness is the text file corpus/HARNESS.txt beside this script. A line is
a comment, which starts with "#", or one input: its bytes in hexadecimal, with its name in
front if it has one ("found-WHAT: 00ff"). "-" stands for an input of no bytes. Inputs with
a name come first, in the order of their names; the others are in the order of their
bytes, so that a new input is one new line in a diff. An input without a name is unpacked
to a file named by the SHA-1 of its bytes, as libFuzzer names its files.
"""
import hashlib
import os
import re
import sys

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
HEADER = ("# SPDX-License-Identifier: GPL-2.0\n"
          "# Inputs for fuzz-{}, packed by ../corpus.py, which describes the format.\n")
LINE = re.compile(r"(?:(found-[a-z0-9-]+): )?(-|(?:[0-9a-f]{2})+)")


class CorpusError(Exception):
    """A corpus or an input cannot be used; the text says why."""


def file_name(data):
    """Return the name that libFuzzer gives to a file with these bytes."""
    return hashlib.sha1(data).hexdigest()


def parse(text, origin):
    """Return the inputs of a packed corpus: a dictionary of file name to bytes."""
    inputs = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise CorpusError(f"{origin}:{number}: neither a comment nor an input")
        data = b"" if match[2] == "-" else bytes.fromhex(match[2])
        name = match[1] or file_name(data)
        if name in inputs:
            raise CorpusError(f"{origin}:{number}: input {name} exists twice")
        inputs[name] = data
    return inputs


def render(inputs, harness):
    """Return the text of a packed corpus; the reverse of parse()."""
    named = sorted(name for name in inputs if name.startswith("found-"))
    findings = {inputs[name] for name in named}
    others = sorted({data for name, data in inputs.items()
                     if not name.startswith("found-")} - findings)
    lines = [f"{name}: {inputs[name].hex() or '-'}\n" for name in named]
    lines += [f"{data.hex() or '-'}\n" for data in others]
    return HEADER.format(harness) + "".join(lines)


def path_of(harness):
    """Return the path of the packed corpus of a harness."""
    return os.path.join(DIRECTORY, harness + ".txt")


def load(harness):
    """Return the inputs of a harness. A harness without a corpus has none."""
    path = path_of(harness)
    try:
        with open(path, encoding="ascii") as file:
            return parse(file.read(), path)
    except FileNotFoundError:
        return {}


def store(harness, inputs):
    """Write the packed corpus of a harness."""
    path = path_of(harness)
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(render(inputs, harness))
    os.replace(path + ".new", path)


def read_directory(directory):
    """Return the contents of all files in a directory."""
    contents = []
    for entry in os.scandir(directory):
        with open(entry.path, "rb") as file:
            contents.append(file.read())
    return contents


def unpack(harness, directory):
    """Make the files in a directory those of the packed corpus."""
    inputs = load(harness)
    os.makedirs(directory, exist_ok=True)
    for name in set(os.listdir(directory)) - set(inputs):
        os.unlink(os.path.join(directory, name))
    for name, data in inputs.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)


def pack(harness, directory):
    """Replace the inputs without a name with the files in a directory."""
    inputs = {name: data for name, data in load(harness).items()
              if name.startswith("found-")}
    inputs.update((file_name(data), data) for data in read_directory(directory))
    store(harness, inputs)


def add(harness, path, name):
    """Add the input of a finding under a name."""
    if not re.fullmatch("found-[a-z0-9-]+", name):
        raise CorpusError(f"{name}: a name is found- and lower-case letters, digits "
                          "and hyphens")
    inputs = load(harness)
    if name in inputs:
        raise CorpusError(f"{harness} has an input {name} already")
    with open(path, "rb") as file:
        inputs[name] = file.read()
    store(harness, inputs)


def count(harness):
    """Print the number of inputs and their size."""
    inputs = load(harness)
    print(f"{harness}: {len(inputs)} inputs,"
          f" {sum(len(data) for data in inputs.values())} bytes")


def main(arguments):
    """Run one command."""
    commands = {("unpack", 2): unpack, ("pack", 2): pack, ("add", 3): add,
                ("count", 1): count}
    command = commands.get((arguments[0] if arguments else "", len(arguments) - 1))
    if not command:
        sys.exit(__doc__.split("\n\n")[1])
    try:
        command(*arguments[1:])
    except (CorpusError, OSError) as error:
        sys.exit(f"corpus.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
