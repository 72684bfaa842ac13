#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unpack the part of Debian's linux-source-7.2 that the kernel's own VFIO
# selftests are built from.
#
# Usage: unpack.sh SOURCE DIR
#   SOURCE	linux-source-7.2_*.deb, or the linux-source-7.2.tar.xz of it
#   DIR		where DIR/linux-source-7.2 is to be; made anew when the
#		source is another one than last time
set -eu

src=$1
dir=$2
top=linux-source-7.2
tarball=./usr/src/$top.tar.xz

# hw.h and registers.h of the selftests' drivers are links to drivers/dma.
members="Makefile scripts include drivers/dma/ioat drivers/dma/idxd
	arch/x86/Makefile arch/x86/include
	arch/x86/entry/syscalls arch/x86/tools usr/include
	tools/include tools/arch/x86/include tools/scripts
	tools/testing/selftests/lib.mk
	tools/testing/selftests/kselftest.h
	tools/testing/selftests/kselftest_harness.h
	tools/testing/selftests/vfio"

tarball_of() {
	case $1 in
	*.deb) dpkg-deb --fsys-tarfile "$1" | tar -xO "$tarball" ;;
	*) cat "$1" ;;
	esac
}

stamp=$dir/$top.stamp
key=$(sha256sum "$0" "$src" | cut -d' ' -f1 | tr '\n' ' ')
if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
	exit 0
fi

rm -rf "${dir:?}/$top" "$stamp"
mkdir -p "$dir"
# shellcheck disable=SC2046,SC2086 # one word per member is what is wanted
tarball_of "$src" | xz -dc | tar -x -C "$dir" $(printf " $top/%s" $members)
echo "$key" >"$stamp"
