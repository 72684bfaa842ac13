#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In User-Mode Linux: Linux's virtio drivers use the devices of the back ends vhost-device-*.
# usage: inside.sh DIRECTORY CHIP
#   DIRECTORY	for files; its file `blocks` is at the start of the SCSI disk, and a copy of it
#		is written behind that
#   CHIP	the address of the i2c chip

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../uml/check.sh
. "$(dirname "$0")/../uml/check.sh"

here=$(cd "$(dirname "$0")" && pwd)
dir=$1 chip=$2

drivers_bind()
{
	local driver

	for driver in virtio_rng vmw_vsock_virtio_transport i2c_virtio virtio_scsi \
		virtio_console; do
		ls -d /sys/bus/virtio/drivers/$driver/virtio* || return
	done
}

# Python takes long to start in User-Mode Linux on an emulated processor.
inside()
{
	timeout $((3 * SOON)) python3 -B "$here/inside.py" "$@"
}

scsi_read()
{
	soon test -b /dev/sda &&
		dd if=/dev/sda of="$dir/blocks.read" bs=64K count=4 iflag=direct &&
		cmp "$dir/blocks" "$dir/blocks.read"
}

scsi_write()
{
	dd if="$dir/blocks" of=/dev/sda bs=64K seek=4 oflag=direct conv=fsync
}

check "the drivers bind to the devices" drivers_bind
check "rng: random bytes are read" dd if=/dev/hwrng of="$dir/random" bs=32 count=1
check "vsock: both sides connect and send" inside vsock
check "i2c: a register is read, another one is written" inside i2c "$chip"
check "scsi: blocks are read" scsi_read
check "scsi: blocks are written" scsi_write
check "console: a line is sent and a byte is received" inside console
finish
