#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build the kernel's own VFIO selftests, sources unmodified, out of tree.
# Runs in the root whose programs they are to be (needs gcc, make, uuid-dev).
#
# Usage: build.sh SRC OUT
#   SRC	a linux-source-7.2 tree, or the part of it that lab/source
#	unpacks; is only read
#   OUT	gets the programs; an up-to-date OUT is left alone
set -eu

here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
tests=tools/testing/selftests/vfio

# Everything the programs are made from, the compiler and libc included.
key() {
	{
		cd "$here"
		sha256sum build.sh default_mode.c calloc_assert.h
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

gcc -Wall -Wextra -Werror -c "$here/default_mode.c" -o "$out/default_mode.o"

# LDLIBS comes through the environment so that the Makefile can still add to it.
LDLIBS="$out/default_mode.o" EXTRA_CFLAGS="$extra" \
	make -s -C "$src/$tests" OUTPUT="$out" \
	KHDR_INCLUDES="-isystem $out/headers/usr/include"

rm -rf "$out/headers"
echo "$key" >"$stamp"
