#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The part of `make demo-linux` that runs in User-Mode Linux: file systems on two disks.
# Commands are printed as a user would type them.
# usage: demo-inside.sh DIRECTORY
#   DIRECTORY	for files; it has the file `data`

set -eu
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "$0")/check.sh"

show()
{
	echo "# $*"
	"$@"
}

# disk DEVICE: copy a file to a new file system, and read it from the disk.
disk()
{
	soon test -b "$1"
	show mkfs.ext4 -q "$1"
	show mount "$1" mount
	show cp data mount/inside
	show umount mount
	drop_caches
	show mount "$1" mount
	show sha256sum mount/inside
	show df -h mount
	show umount mount
}

cd "$1"
mkdir mount
show uname -rm
# (lspci looks for modules, which this kernel does not have.)
show lspci -k 2> /dev/null
disk /dev/nvme0n1
disk /dev/vda
show grep -E 'nvme|virtio' /proc/interrupts
