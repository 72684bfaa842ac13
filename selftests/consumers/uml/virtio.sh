#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In User-Mode Linux: Linux's virtio drivers use a disk and a file system.
# usage: virtio.sh DIRECTORY TAG SUM
#   DIRECTORY	for files
#   TAG		the tag of the file system; the suite checks its file `inside`
#   SUM		the SHA-256 sum of its file `outside`

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "$0")/check.sh"
# shellcheck source-path=SCRIPTDIR source=disk.sh
. "$(dirname "$0")/disk.sh"

dir=$1 tag=$2 sum=$3

read_outside()
{
	[ "$(sha256sum < "$dir/fs/outside")" = "$sum  -" ]
}

check "virtio_blk binds to the disk" eval 'ls -d /sys/bus/virtio/drivers/virtio_blk/virtio*'
disk_check /dev/vda 'virtio[0-9]+-req' "$dir"
mkdir -p "$dir/fs"
check "virtiofs binds to the file system" eval \
	'ls -d /sys/bus/virtio/drivers/virtiofs/virtio*'
check "the file system of virtiofsd is mounted" mount -t virtiofs "$tag" "$dir/fs"
check "a file from outside is read" read_outside
check "a file is written for outside" cp "$dir/written" "$dir/fs/inside"
check "the file system is unmounted" umount "$dir/fs"
finish
