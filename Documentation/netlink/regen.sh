#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Generate the uapi header and the kernel's policies from specs/vuser.yaml with
# the kernel's own generator, which is not part of this tree, and the tables of
# the selftests with nlspec.py.
#
# usage: regen.sh LINUX_SOURCE_TREE [--check]
#
# With --check, write nothing, and fail if a committed file differs.
set -eu

usage()
{
	echo "usage: $0 LINUX_SOURCE_TREE [--check]" >&2
	exit 2
}

[ $# -ge 1 ] || usage
linux=$1
mode=${2-}
[ -z "$mode" ] || [ "$mode" = --check ] || usage

gen=$linux/tools/net/ynl/pyynl/ynl_gen_c.py
if [ ! -e "$gen" ]; then
	echo "$gen does not exist: give a source tree of Linux 6.15 or later" >&2
	exit 2
fi

top=$(cd "$(dirname "$0")/../.." && pwd)
spec=Documentation/netlink/specs/vuser.yaml
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The generator needs a directory with MAINTAINERS, relative to which it names the
# specification, and the schemas in the same tree.
touch "$tmp/MAINTAINERS"
mkdir -p "$tmp/Documentation/netlink/specs" "$tmp/out" "$tmp/gen"
cp "$linux"/Documentation/netlink/*.yaml "$tmp/Documentation/netlink/"
cp "$top/$spec" "$tmp/$spec"

differ=0

# compare_with OUTPUT FILE: write FILE, or show how it differs
compare_with()
{
	if cmp -s "$1" "$top/$2"; then
		return
	fi
	if [ "$mode" = --check ]; then
		diff -u "$top/$2" "$1" || :
		differ=1
	else
		cp "$1" "$top/$2"
		echo "wrote $2"
	fi
}

# generate MODE KIND FILE
#
# Remove the table of multicast groups. The generator makes it static, but only
# the family uses it, and for a genetlink-legacy specification the generator does
# not generate the family: netlink/family.c defines it.
generate()
{
	out=$tmp/out/$(basename "$3")
	PYTHONDONTWRITEBYTECODE=1 python3 "$gen" --mode "$1" "--$2" \
		--spec "$tmp/$spec" -o "$tmp/gen/$(basename "$3")"
	sed -e 's@^/\* To regenerate run: .*@/* To regenerate run: Documentation/netlink/regen.sh */@' \
		-e '/^static const struct genl_multicast_group/,/^};/d' \
		"$tmp/gen/$(basename "$3")" | cat -s | sed -e '${/^$/d}' > "$out"
	compare_with "$out" "$3"
}

generate uapi header include/uapi/linux/vuser.h
generate kernel header kmod/netlink/gen.h
generate kernel source kmod/netlink/gen.c
"$top/Documentation/netlink/nlspec.py" "$top/$spec" > "$tmp/out/nlspec.c"
compare_with "$tmp/out/nlspec.c" selftests/lib/nlspec.c

if [ $differ -ne 0 ]; then
	echo "the generated files do not match $spec: run $0 $linux" >&2
	exit 1
fi
