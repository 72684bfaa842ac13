#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Print the tables of selftests/lib/nlspec.h for a specification; regen.sh calls this.

usage: nlspec.py SPECIFICATION
"""
import sys

import yaml

KINDS = {"u32": "U32", "s32": "S32", "u64": "U64", "string": "STRING", "binary": "BINARY",
         "flag": "FLAG", "nest": "NEST", "pad": "PAD"}


def c_name(name):
    return name.replace("-", "_")


def attribute_of(set_name, name):
    return f"VUSER_A_{c_name(set_name)}_{c_name(name)}".upper()


def length(attribute, constants):
    """The length that an attribute must have, or must not exceed; 0: no such rule."""
    checks = attribute.get("checks", {})
    value = checks.get("exact-len", checks.get("max-len", 0))
    return constants.get(value, value)


def print_set(one, constants):
    """Print the attributes of a set."""
    name = one["name"]
    print(f"\nstatic const struct nlspec_attr {c_name(name)}_attrs[] = {{")
    for attribute in one["attributes"]:
        nest = attribute.get("nested-attributes")
        print(f"\t{{ {attribute_of(name, attribute['name'])}, \"{attribute['name']}\",\n"
              f"\t  NLSPEC_{KINDS[attribute['type']]}, {length(attribute, constants)}, "
              f"{f'&nlspec_sets[NLSPEC_SET_{c_name(nest).upper()}]' if nest else 'NULL'} }},")
    print("};")


def print_sets(sets):
    """Print the list of all sets."""
    print("\nconst struct nlspec_set nlspec_sets[] = {")
    for one in sets:
        name = c_name(one["name"])
        print(f"\t[NLSPEC_SET_{name.upper()}] = {{ \"{one['name']}\", {name}_attrs,\n"
              f"\t\t{len(one['attributes'])} }},")
    print("};")


def requests(operations):
    """The operations that a program may request."""
    return [one for one in operations if "do" in one]


def print_operation(one):
    """Print the attributes of a request."""
    attributes = one["do"]["request"]["attributes"]
    print(f"\nstatic const uint16_t {c_name(one['name'])}_request[] = {{")
    for name in attributes:
        print(f"\t{attribute_of(one['attribute-set'], name)},")
    print("};")


def print_operations(operations):
    """Print the list of all operations."""
    print("\nconst struct nlspec_op nlspec_ops[] = {")
    for one in operations:
        name = c_name(one["name"])
        print(f"\t{{ VUSER_CMD_{name.upper()}, \"{one['name']}\",\n"
              f"\t  &nlspec_sets[NLSPEC_SET_{c_name(one['attribute-set']).upper()}], "
              f"{name}_request,\n"
              f"\t  {len(one['do']['request']['attributes'])}, "
              f"{'true' if 'dump' in one else 'false'} }},")
    print("};")
    print(f"\nconst unsigned int nlspec_nr_ops = {len(operations)};")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    constants = {one["name"]: one["value"] for one in spec["definitions"]
                 if one["type"] == "const"}
    sets = spec["attribute-sets"]
    operations = requests(spec["operations"]["list"])
    print("// SPDX-License-Identifier: GPL-2.0\n"
          "/* Do not edit: Documentation/netlink/regen.sh makes this file. */\n"
          "// clang-format off\n"
          "#include <stddef.h>\n\n#include <linux/vuser.h>\n\n#include \"nlspec.h\"\n\n"
          "enum {")
    for one in sets:
        print(f"\tNLSPEC_SET_{c_name(one['name']).upper()},")
    print("};")
    for one in sets:
        print_set(one, constants)
    print_sets(sets)
    for one in operations:
        print_operation(one)
    print_operations(operations)


if __name__ == "__main__":
    main()
