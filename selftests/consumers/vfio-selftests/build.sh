#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build the kernel's own VFIO selftests from unmodified sources, out of tree.
# Run this in the root in which the programs will run (needs gcc, make, uuid-dev).
#
# Usage: build.sh SRC OUT [SLOWNESS]
#   SRC	a linux-source-7.2 tree, or the part of it that lab/source
#	unpacks; it is not changed
#   OUT	the directory for the programs; an up-to-date OUT is not changed
#   SLOWNESS	factor for the time limit of each test
set -eu

here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
tests=tools/testing/selftests/vfio
slowness=${3:-1}

# A checksum of all inputs of the build, including the compiler and libc.
key() {
	{
		echo "$slowness"
		cd "$here"
		sha256sum build.sh default_mode.c calloc_assert.h \
			../../lib/slowness.h
		cd "$src"
		find $tests tools/include include/uapi \
			tools/testing/selftests/*.h \
			tools/testing/selftests/lib.mk -type f |
			LC_ALL=C sort | xargs sha256sum
		gcc --version
		ldd --version
	} | sha256sum
}

stamp=$out/stamp
key=$(key)
if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
	exit 0
fi
rm -rf "${out:?}"/*

make -s -C "$src" ARCH=x86 O="$out/headers" headers

extra=
if ! grep -rqE 'define calloc_assert|\*calloc_assert' "$src/$tests"; then
	extra="-include $here/calloc_assert.h"
fi

# Only for the tests: slowness.h includes the harness, which defines functions.
slow=
if [ "$slowness" != 1 ]; then
	slow="%_test.o: CPPFLAGS += -DTEST_SLOWNESS=$slowness"
	slow="$slow -isystem $src/tools/testing/selftests"
	slow="$slow -include $here/../../lib/slowness.h"
fi

gcc -Wall -Wextra -Werror -c "$here/default_mode.c" -o "$out/default_mode.o"

# Pass LDLIBS in the environment, so that the Makefile can still add to it.
LDLIBS="$out/default_mode.o" EXTRA_CFLAGS="$extra" \
	make -s -C "$src/$tests" --eval="$slow" OUTPUT="$out" \
	KHDR_INCLUDES="-isystem $out/headers/usr/include"

rm -rf "$out/headers"
sed -n 's/^VERSION = //p' "$src/Makefile" | tr '\n' . > "$out/version"
sed -n 's/^PATCHLEVEL = //p' "$src/Makefile" >> "$out/version"
echo "$key" >"$stamp"
