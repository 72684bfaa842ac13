# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for scripts that use a disk in User-Mode Linux.

# Make a file system on a disk, write a file to it, and read the file again from the disk.
# disk_check DISK INTERRUPT DIRECTORY: INTERRUPT matches the disk's lines in
# /proc/interrupts. DIRECTORY gets the file `written` and the directory `mount`.
disk_check()
{
	local disk=$1 interrupt=$2 dir=$3

	mkdir -p "$dir/mount"
	head -c 1M /dev/urandom > "$dir/written"
	check "there is a disk $disk" soon test -b "$disk" || return
	check "a file system is made" mkfs.ext4 -q -F "$disk"
	check "it is mounted" mount -t ext4 "$disk" "$dir/mount" || return
	check "a file is written" cp "$dir/written" "$dir/mount/inside"
	check "it is unmounted" umount "$dir/mount"
	check "caches are dropped" drop_caches
	check "it is mounted again" mount -t ext4 "$disk" "$dir/mount" || return
	check "the file on the disk is what was written" cmp "$dir/written" \
		"$dir/mount/inside"
	check "it is unmounted again" umount "$dir/mount"
	check "the disk has interrupted" interrupts "$interrupt"
}
