# SPDX-License-Identifier: GPL-2.0
"""Two directives that include other files of the tree.

.. netlink-spec:: PATH    a netlink specification in YAML, as sections
.. man-page:: PATH        a man page, as man(1) shows it

Paths are relative to the document.
"""

import os
import re
import subprocess

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


def heading(text, mark):
    return [text, mark * len(text), ""]


def text_of(entry, indent=""):
    doc = entry.get("doc", "").strip()
    return [indent + line.strip() for line in doc.splitlines()]


def item(name, details, entry):
    """Format one entry of a definition list."""
    lines = [f"``{name}``" + (f" ({details})" if details else "")]
    return lines + (text_of(entry, "    ") or ["    ..", ""]) + [""]


def definitions(spec):
    lines = heading("Constants", "-")
    for entry in spec["definitions"]:
        if entry["type"] == "const":
            lines += item(entry["name"], entry["value"], entry)
    for entry in spec["definitions"]:
        if entry["type"] not in ("enum", "flags"):
            continue
        lines += heading(f"{entry['type'].capitalize()} {entry['name']}", "-")
        lines += text_of(entry) + [""]
        for value in entry["entries"]:
            if isinstance(value, str):
                value = {"name": value}
            lines += item(value["name"], "", value)
    return lines


def attribute_sets(spec):
    lines = []
    for attributes in spec["attribute-sets"]:
        lines += heading(f"Attributes {attributes['name']}", "-")
        lines += text_of(attributes) + [""]
        for entry in attributes["attributes"]:
            details = entry["type"]
            if "nested-attributes" in entry:
                details += f" of {entry['nested-attributes']}"
            if "enum" in entry:
                details += f", enum {entry['enum']}"
            if entry.get("multi-attr"):
                details += ", any number"
            if entry["type"] != "pad":
                lines += item(entry["name"], details, entry)
    return lines


def message(title, body):
    names = ", ".join(f"``{name}``" for name in body.get("attributes", []))
    return [f":{title}: {names or 'nothing'}"]


def operations(spec):
    lines = heading("Operations", "-")
    for operation in spec["operations"]["list"]:
        flags = ", ".join(operation.get("flags", []))
        lines += heading(operation["name"] + (f" ({flags})" if flags else ""),
                         "~")
        lines += text_of(operation) + [""]
        if "mcgrp" in operation:
            lines.append(f":multicast group: ``{operation['mcgrp']}``")
        if "notify" in operation:
            lines.append(f":attributes: as the reply of {operation['notify']}")
        for kind in ("do", "dump"):
            for part in ("request", "reply"):
                if part in operation.get(kind, {}):
                    lines += message(f"{kind}, {part}", operation[kind][part])
        if "event" in operation:
            lines += message("event", operation["event"])
        lines.append("")
    return lines


class FileDirective(SphinxDirective):
    required_arguments = 1

    def path(self):
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        return path


class NetlinkSpec(FileDirective):
    def run(self):
        path = self.path()
        with open(path, encoding="utf-8") as file:
            spec = yaml.safe_load(file)
        lines = text_of(spec) + [""] + operations(spec)
        lines += attribute_sets(spec) + definitions(spec)
        # The lines become part of the document, because they contain sections.
        self.state_machine.insert_input(StringList(lines, source=path), path)
        return []


class ManPage(FileDirective):
    def run(self):
        path = self.path()
        page = subprocess.run(
            ["man", "-l", path], check=True, capture_output=True,
            env={**os.environ, "MANWIDTH": "78", "MANPAGER": "cat",
                 "LC_ALL": "C.UTF-8"}).stdout.decode()
        # man prints bold and underlined letters over each other.
        text = re.sub(".\b|\x1b\\[[0-9;]*m", "", page)
        return [nodes.literal_block(text, text, language="none")]


def setup(app):
    app.add_directive("netlink-spec", NetlinkSpec)
    app.add_directive("man-page", ManPage)
    return {"parallel_read_safe": True, "version": "1"}
