#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Checks that the C code of a tree is in layers.

    layers.py [TREE...]     check these trees, all of TREES by default
    layers.py --self-test   check the checker: plant a breach of each rule

A tree has folders, a folder has units.  A unit is FOO.c together with FOO.h; a
header without a C file is a unit, too.  The rules, with the names that findings use:

    layer      A file includes only headers, and uses only functions, of its own
               folder or of a folder in a lower layer.
    circle     Inside a folder, units do not depend on each other in a circle.  A
               unit depends on another when it includes its header or uses one of
               its functions.
    prefix     The name of each non-static function in FOO.c is PREFIXFOO or starts
               with PREFIXFOO_, where PREFIX is the prefix of the tree.
    prototype  The prototype of a non-static function of FOO.c is in FOO.h in the
               same folder, and in no other file.  C files have neither prototypes
               of non-static functions nor "extern".
    export     A library exports the functions that its version script names.  These
               functions may have any name.  Their prototypes are in the public
               headers, and public headers have no other prototypes.

Each finding is one line, "FILE:LINE: RULE: TEXT".
"""

import collections
import dataclasses
import os
import re
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass
class Tree:
    """A tree to check; paths are relative to the top of the source."""

    # The folder with the tree.
    path: str
    # The prefixes of the names of functions; a tree may have several.
    prefixes: tuple
    # The layers from top to bottom: folders below path, "." for path itself, or a
    # key of loose.
    layers: tuple
    # By layer: files directly in path that form this layer.
    loose: dict = dataclasses.field(default_factory=dict)
    # By folder: another prefix that the functions of this folder may have.
    folder_prefixes: dict = dataclasses.field(default_factory=dict)
    # By folder of headers, relative to path: the folder whose units they belong to.
    headers: dict = dataclasses.field(default_factory=dict)
    # The folders in which includes are searched, after the including file's folder.
    include: tuple = (".",)
    # Generated units.  They may have prototypes and tables of the functions that the
    # other units of their folder define.
    generated: tuple = ()
    # Of a library: its version script, and the layer with the public headers.
    exports: str = ""
    public: str = ""


# To add a tree, add its entry here.
TREES = {
    "kmod": Tree(
        path="kmod",
        prefixes=("vuser_",),
        layers=("main", "netlink", "vfio", "region", "dma", "server", "x86",
                "common"),
        loose={"main": ("main.c", "layouts.c"),
               "common": ("vuser.h", "compat.h", "trace.c", "trace.h")},
        folder_prefixes={"netlink": "vuser_nl_"},
        generated=("netlink/gen",),
    ),
    "libvuser": Tree(
        path="user",
        prefixes=("vu_",),
        layers=("lib", "libbase", "lib/include/vuser"),
        include=("lib/include",),
        exports="lib/libvuser.map",
        public="lib/include/vuser",
    ),
    "libvhost-user": Tree(
        path="user",
        prefixes=("vhu_", "vu_"),
        layers=("libvhost-user", "libbase", "libvhost-user/include/vhost-user"),
        include=("libvhost-user/include",),
        exports="libvhost-user/libvhost-user.map",
        public="libvhost-user/include/vhost-user",
    ),
    "common": Tree(
        path="user/common",
        prefixes=("",),
        layers=(".",),
    ),
    "vuserd": Tree(
        path="user/vuserd",
        prefixes=("",),
        layers=(".",),
    ),
    "vuser-ioat": Tree(
        path="user/devices/ioat",
        prefixes=("ioat_",),
        layers=(".",),
    ),
    "vuser-vhost": Tree(
        path="user/devices/vhost",
        prefixes=("vhost_", ""),
        layers=(".",),
    ),
    "vuserctl": Tree(
        path="user/vuserctl",
        prefixes=("",),
        layers=(".",),
    ),
    "netlink": Tree(
        path="user/netlink",
        prefixes=("vnl_",),
        layers=(".",),
    ),
}

KEYWORDS = frozenset("""
    auto break case char const continue default do double else enum extern float for
    goto if inline int long register restrict return short signed sizeof static struct
    switch typedef typeof union unsigned void volatile while _Bool _Static_assert
    _Alignas _Alignof _Generic _Noreturn _Thread_local static_assert""".split())

# Keywords before the use of a name.  Other words before a name are types, and the
# name is being declared.
BEFORE_VALUES = frozenset("case do else goto return sizeof".split())

TOKEN = re.compile(r"""
    (?P<blank>[ \t\r\f\v]+|\\\n|/\*.*?\*/|//[^\n]*)
  | (?P<newline>\n)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\.?\d[\w.]*)
  | (?P<arrow>->)
  | (?P<other>.)
""", re.VERBOSE | re.DOTALL)

INCLUDE = re.compile(r'[ \t]*#[ \t]*include[ \t]+([<"])([^>"\n]+)[>"]')

Token = collections.namedtuple("Token", "kind text line")
Place = collections.namedtuple("Place", "path line")


class Source:
    """The includes, definitions, declarations and used names of one file."""

    def __init__(self, path, text):
        self.path = path
        self.includes = []      # (line, name, quoted)
        self.definitions = {}   # non-static function: line
        self.prototypes = {}    # non-static function: line
        self.externs = []       # lines
        self.uses = {}          # name: line of the first use
        self._declare(self._tokens(text))

    def _tokens(self, text):
        """The tokens without comments and directives; notes names in directives."""
        tokens = []
        line, start, directive = 1, True, False
        for match in TOKEN.finditer(text):
            kind, part = match.lastgroup, match[0]
            if kind == "newline":
                start, directive = True, False
            elif start and part == "#":
                directive = True
                include = INCLUDE.match(text, match.start())
                if include:
                    self.includes.append((line, include[2], include[1] == '"'))
            elif kind == "name" and directive:
                self.uses.setdefault(part, line)
            elif kind != "blank" and not directive:
                tokens.append(Token(kind, part, line))
            if kind not in ("blank", "newline"):
                start = False
            line += part.count("\n")
        return tokens

    def _declare(self, tokens):
        """Split the file into declarations and bodies at its top level."""
        declaration, i = [], 0
        while i < len(tokens):
            token = tokens[i]
            if token.text == "{":
                if self._is_extern_c(declaration):
                    declaration = []
                    i += 1
                    continue
                end = self._closing(tokens, i)
                function = self._function(declaration)
                if function:
                    self._add(self.definitions, function, declaration)
                    self._use(declaration, function)
                    declaration = []
                else:
                    declaration.append(token)
                self._use(tokens[i:end], None)
                i = end
                if function:
                    i += 1
                continue
            if token.text == ";":
                self._declaration(declaration)
                declaration = []
            elif token.text != "}" or declaration:
                # An unmatched brace ends extern "C".
                declaration.append(token)
            i += 1

    @staticmethod
    def _is_extern_c(declaration):
        return (len(declaration) >= 2 and declaration[-2].text == "extern"
                and declaration[-1].kind == "string")

    @staticmethod
    def _closing(tokens, i):
        """The index of the token that closes the brace or parenthesis at index i."""
        pairs = {"{": "}", "(": ")"}
        opening, closing = tokens[i].text, pairs[tokens[i].text]
        depth = 0
        for j in range(i, len(tokens)):
            if tokens[j].text == opening:
                depth += 1
            elif tokens[j].text == closing:
                depth -= 1
                if not depth:
                    return j
        return len(tokens) - 1

    def _function(self, declaration):
        """The token with the name of the function that is declared, or None."""
        if any(t.text in ("typedef", "=") for t in declaration):
            return None
        i = 0
        typed = False
        while i + 1 < len(declaration):
            token, after = declaration[i], declaration[i + 1]
            if (token.kind == "name" and after.text == "("
                    and token.text not in KEYWORDS):
                if typed and not token.text.startswith("__"):
                    return token
                i = self._closing(declaration, i + 1) + 1
                continue
            if token.kind == "name" and token.text not in (
                    "static", "extern", "inline"):
                typed = True
            i += 1
        return None

    def _add(self, where, function, declaration):
        if not any(t.text == "static" for t in declaration):
            where.setdefault(function.text, function.line)

    def _declaration(self, declaration):
        function = self._function(declaration)
        if function:
            self._add(self.prototypes, function, declaration)
        if declaration and declaration[0].text == "extern":
            self.externs.append(declaration[0].line)
        self._use(declaration, function)

    def _use(self, tokens, own):
        """Note the names, except for fields and for names declared with a type."""
        before = Token("other", "", 0)
        for token in tokens:
            declares = before.kind == "name" and before.text not in BEFORE_VALUES
            if (token.kind == "name" and token is not own and not declares
                    and before.text not in (".", "->")):
                self.uses.setdefault(token.text, token.line)
            before = token


class Checker:
    """The findings of one tree."""

    def __init__(self, tree, top):
        self.tree = tree
        self.root = os.path.join(top, tree.path)
        self.findings = []
        self.sources = {}       # path in the tree: Source
        self.folder = {}        # path in the tree: layer
        for layer in tree.layers:
            for path in self._files_of(layer):
                self._read(path, layer)
        for headers, layer in tree.headers.items():
            for path in self._listed(headers):
                self._read(path, layer)
        self.owner = {}         # non-static function: path of the file
        for path, source in self.sources.items():
            for name in source.definitions:
                self.owner.setdefault(name, path)
        self.exports = self._exported()

    def _listed(self, folder):
        return [os.path.normpath(os.path.join(folder, name))
                for name in sorted(os.listdir(os.path.join(self.root, folder)))
                if name.endswith((".c", ".h")) and not name.endswith(".mod.c")]

    def _files_of(self, layer):
        if layer in self.tree.loose:
            return list(self.tree.loose[layer])
        return self._listed(layer)

    def _read(self, path, layer):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            self.sources[path] = Source(path, file.read())
        self.folder[path] = layer

    def _exported(self):
        """The functions in the version script: {name: line}."""
        if not self.tree.exports:
            return {}
        with open(os.path.join(self.root, self.tree.exports),
                  encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", "", m[0]),
                          file.read(), flags=re.DOTALL)
        return {match[1]: text.count("\n", 0, match.start()) + 1
                for match in re.finditer(r"(\w+|\*)\s*;", text)
                if match[1] != "*"}

    def _find(self, line, rule, path, text):
        self.findings.append(
            f"{os.path.join(self.tree.path, path)}:{line}: {rule}: {text}")

    @staticmethod
    def _unit(path):
        return os.path.splitext(os.path.basename(path))[0]

    def _is_generated(self, path):
        return os.path.splitext(path)[0] in self.tree.generated

    def _resolve(self, path, name, quoted):
        """The path in the tree of an included file, or None."""
        folders = [os.path.dirname(path)] if quoted else []
        for folder in folders + list(self.tree.include):
            found = os.path.normpath(os.path.join(folder, name))
            if found in self.sources:
                return found
        return None

    def _dependencies(self):
        """Each include and each use of a function: (path, line, used path, name)."""
        for path, source in self.sources.items():
            for line, name, quoted in source.includes:
                found = self._resolve(path, name, quoted)
                if found:
                    yield path, line, found, name
            if self._is_generated(path):
                continue
            for name, line in source.uses.items():
                if name in self.owner and self.owner[name] != path:
                    yield path, line, self.owner[name], name + "()"

    def check(self):
        """All findings, in order of files and lines."""
        edges = collections.defaultdict(dict)   # layer: {(unit, unit): where}
        order = {layer: i for i, layer in enumerate(self.tree.layers)}
        for path, line, found, name in self._dependencies():
            mine, other = self.folder[path], self.folder[found]
            if mine != other:
                if order[mine] > order[other]:
                    self._find(line, "layer", path,
                               f"{mine} is below {other}, but uses {name}")
            elif self._unit(path) != self._unit(found):
                edges[mine].setdefault((self._unit(path), self._unit(found)),
                                       (Place(path, line), name))
        for layer in edges:
            self._check_circles(edges[layer])
        for path, source in self.sources.items():
            self._check_names(path, source)
            self._check_prototypes(path, source)
        self._check_exports()
        return sorted(set(self.findings), key=self._sorting)

    @staticmethod
    def _sorting(finding):
        path, line, rest = finding.split(":", 2)
        return path, int(line), rest

    def _check_circles(self, edges):
        graph = collections.defaultdict(list)
        for start, end in edges:
            graph[start].append(end)
        while circle := find_circle(graph):
            pairs = list(zip(circle, circle[1:]))
            place, _ = edges[pairs[0]]
            self._find(place.line, "circle", place.path, " -> ".join(circle) + " by "
                       + ", ".join(edges[pair][1] for pair in pairs))
            # Look for other circles, without the last step of the circle just found.
            graph[pairs[-1][0]].remove(pairs[-1][1])

    def _prefixes(self, path):
        unit = self._unit(path).replace("-", "_")
        prefixes = list(self.tree.prefixes)
        if self.folder[path] in self.tree.folder_prefixes:
            prefixes.append(self.tree.folder_prefixes[self.folder[path]])
        return [prefix + unit for prefix in prefixes]

    def _check_names(self, path, source):
        if not path.endswith(".c"):
            return
        prefixes = self._prefixes(path)
        for name, line in source.definitions.items():
            if name in ("main", *self.exports):
                continue
            if not any(
                    name == prefix or name.startswith(prefix + "_")
                    for prefix in prefixes):
                self._find(line, "prefix", path,
                           f"{name}() does not start with {' or '.join(prefixes)}")

    def _check_prototypes(self, path, source):
        if path.endswith(".c"):
            for name, line in source.definitions.items():
                if name != "main" and not self._is_declared(path, name):
                    self._find(line, "prototype", path,
                               f"{name}() has no prototype in {self._home(name, path)}")
            for line in source.externs:
                self._find(line, "prototype", path, "extern in a C file")
        for name, line in source.prototypes.items():
            owner = self.owner.get(name)
            if owner and not self._may_declare(path, owner, name):
                self._find(line, "prototype", path,
                           f"the prototype of {name}() belongs in "
                           f"{self._home(name, owner)}")

    def _check_exports(self):
        for name, line in self.exports.items():
            if name not in self.owner:
                self._find(line, "export", self.tree.exports,
                           f"{name}() is not defined")
        for path, source in self.sources.items():
            if self.folder[path] != self.tree.public:
                continue
            for name, line in source.prototypes.items():
                if name not in self.exports:
                    self._find(line, "export", path,
                               f"{name}() is not in {self.tree.exports}")

    def _home(self, name, owner):
        """The header to which the prototype of a function belongs."""
        if name in self.exports:
            return f"a header of {self.tree.public}"
        return f"{self._unit(owner)}.h"

    def _may_declare(self, path, owner, name):
        if name in self.exports:
            return self.folder[path] == self.tree.public
        if self.folder[path] != self.folder[owner] or not path.endswith(".h"):
            return False
        return (self._unit(path) == self._unit(owner)
                or self._is_generated(path))

    def _is_declared(self, owner, name):
        return any(name in source.prototypes
                   and self._may_declare(path, owner, name)
                   for path, source in self.sources.items())


def find_circle(graph):
    """A circle as a list of units, in which the first is also the last; or None."""
    done, stack = set(), []

    def visit(unit):
        if unit in stack:
            return stack[stack.index(unit):] + [unit]
        if unit in done:
            return None
        stack.append(unit)
        for after in sorted(graph.get(unit, ())):
            circle = visit(after)
            if circle:
                return circle
        stack.pop()
        done.add(unit)
        return None

    for unit in sorted(graph):
        circle = visit(unit)
        if circle:
            return circle
    return None


# The self-test ------------------------------------------------------------------

GOOD = {
    "main.c": '#include "high/top.h"\nint main(void) { return x_top(); }\n',
    "high/top.h": "int x_top(void);\n",
    "high/top.c": '#include "high/top.h"\n#include "low/base.h"\n'
                  "/* x_other(); */\n"
                  "static int helper(void) { return x_base_get(\"x_other()\"); }\n"
                  "int x_top(void) { return helper(); }\n",
    "high/other.h": "int x_other(void);\n",
    "high/other.c": '#include "other.h"\n#include "top.h"\n'
                    "int __must_check x_other(void)\n{\n\treturn x_top();\n}\n",
    "low/base.h": "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                  "struct x_top { int x_top; };\n"
                  "int x_base_get(const char *name);\n"
                  "#ifdef __cplusplus\n}\n#endif\n",
    "low/base.c": '#include "low/base.h"\n'
                  "int x_base_get(const char *name)\n"
                  "{\n\tstruct x_top top = { .x_top = 1 };\n\n"
                  "\treturn top.x_top + !name;\n}\n",
    "high/door.c": "#include <door.h>\n\nint x_open(void) { return 1; }\n",
    "api/door.h": "int x_open(void);\n",
    "api/x.map": "/* x_old; */\nX_0 {\nglobal:\n\tx_open;\nlocal:\n\t*;\n};\n",
    "high/gen.h": "int x_top(void);\n",
    "high/gen.c": '#include "gen.h"\nint (*const x_table[])(void) = { x_top };\n',
}

# The planted breaches: a name, the file that gets the breach, the text, the findings.
BREACHES = [
    ("an include of a higher layer", "low/base.c", '#include "high/top.h"\n',
     ["low/base.c:8: layer: low is below high, but uses high/top.h"]),
    ("a call of a higher layer", "low/base.c",
     "static int up(void) { return x_top(); }\n",
     ["low/base.c:8: layer: low is below high, but uses x_top()"]),
    ("a circle of an include and a call", "high/top.c",
     "static int back(void) { return x_other(); }\n",
     ["high/other.c:2: circle: other -> top -> other by top.h, x_other()"]),
    ("a circle of headers", "high/top.h", '#include "other.h"\n',
     ["high/other.c:2: circle: other -> top -> other by top.h, other.h"]),
    ("a circle through a macro", "high/top.h", "#define back() x_other()\n",
     ["high/other.c:2: circle: other -> top -> other by top.h, x_other()"]),
    ("a name without its file's prefix", "low/base.c",
     "int x_get(void) { return 1; }\n",
     ["low/base.c:8: prefix: x_get() does not start with x_base",
      "low/base.c:8: prototype: x_get() has no prototype in base.h"]),
    ("a name that starts with the prefix without an underscore", "low/base.c",
     "int x_baseline(void) { return 1; }\n",
     ["low/base.c:8: prefix: x_baseline() does not start with x_base",
      "low/base.c:8: prototype: x_baseline() has no prototype in base.h"]),
    ("a function without a prototype", "low/base.c",
     "int x_base_put(void) { return 1; }\n",
     ["low/base.c:8: prototype: x_base_put() has no prototype in base.h"]),
    ("a prototype in another header", "high/other.h", "int x_top(void);\n",
     ["high/other.h:2: prototype: the prototype of x_top() belongs in top.h"]),
    ("a prototype in a C file", "high/other.c", "int x_top(void);\n",
     ["high/other.c:7: prototype: the prototype of x_top() belongs in top.h"]),
    ("an exported function that is not defined", "api/x.map",
     "X_1 {\nglobal:\n\tx_shut;\n};\n",
     ["api/x.map:10: export: x_shut() is not defined"]),
    ("a public prototype that is not exported", "api/door.h",
     "int x_top(void);\n",
     ["api/door.h:2: export: x_top() is not in api/x.map",
      "api/door.h:2: prototype: the prototype of x_top() belongs in top.h"]),
    ("an exported function in a private header", "high/other.h",
     "int x_open(void);\n",
     ["high/other.h:2: prototype: the prototype of x_open() belongs in a header of api"]),
    ("an include of a private header in a public one", "api/door.h",
     '#include "../low/base.h"\n',
     ["api/door.h:2: layer: api is below low, but uses ../low/base.h"]),
    ("an extern in a C file", "high/other.c", "extern int x_number;\n",
     ["high/other.c:7: prototype: extern in a C file"]),
]


def findings_of(files):
    """The findings in a tree with these files."""
    with tempfile.TemporaryDirectory() as top:
        for path, text in files.items():
            path = os.path.join(top, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        tree = Tree(path=".", prefixes=("x_",), layers=("main", "high", "low", "api"),
                    loose={"main": ("main.c",)}, include=(".", "api"),
                    generated=("high/gen",), exports="api/x.map", public="api")
        return [finding.removeprefix("./") for finding in Checker(tree, top).check()]


def self_test():
    """Print each breach that is not found as expected; return true if there is none."""
    failed = False
    for name, path, text, expected in [("nothing", "main.c", "", [])] + BREACHES:
        found = findings_of({**GOOD, path: GOOD[path] + text})
        if found != expected:
            failed = True
            print(f"planted {name}: expected {expected}, found {found}")
    return not failed


def main(arguments):
    if arguments == ["--self-test"]:
        return 0 if self_test() else 1
    unknown = [name for name in arguments if name not in TREES]
    if unknown:
        print(f"layers.py: no such tree: {', '.join(unknown)}", file=sys.stderr)
        return 2
    findings = []
    for name in arguments or TREES:
        findings += Checker(TREES[name], TOP).check()
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
