#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In User-Mode Linux: Linux's virtio drivers use the devices of the back ends vhost-device-*.
# usage: inside.sh DIRECTORY NAME...
#   DIRECTORY	for files; its file `blocks` is at the start of the SCSI disk, and a copy of it
#		is written behind that
#   NAME	a back end whose device the machine has

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../uml/check.sh
. "$(dirname "$0")/../uml/check.sh"
# shellcheck source-path=SCRIPTDIR source=drivers.sh
. "$(dirname "$0")/drivers.sh"

here=$(cd "$(dirname "$0")" && pwd)
dir=$1
shift

drivers_bind()
{
	local name

	for name in "$@"; do
		ls -d "/sys/bus/virtio/drivers/$(driver "$name")"/virtio* || return
	done
}

# within COMMAND...: run a program with a time limit.
within()
{
	timeout $((3 * SOON)) "$@"
}

# Python takes long to start in User-Mode Linux on an emulated processor.
inside()
{
	within python3 -B "$here/inside.py" "$@"
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

use()
{
	case $1 in
	rng)
		check "rng: random bytes are read" \
			dd if=/dev/hwrng of="$dir/random" bs=32 count=1
		;;
	vsock) check "vsock: both sides connect and send" inside vsock ;;
	i2c) check "i2c: a register is read, another one is written" inside i2c ;;
	scsi)
		check "scsi: blocks are read" scsi_read
		check "scsi: blocks are written" scsi_write
		;;
	console) check "console: a line is sent and a byte is received" inside console ;;
	input) check "input: the keys that are pressed arrive" inside input "$dir/keys" ;;
	sound)
		check "sound: a tone is played" \
			within pcm play /dev/snd/pcmC0D0p "$dir/tone.play"
		check "sound: a tone is recorded" \
			within pcm record /dev/snd/pcmC0D0c "$dir/recorded" $RECORD
		;;
	gpio)
		check "gpio: lines are set, lines are read, and one interrupts" \
			within lines /dev/gpiochip0 "$dir/lines" "${GPIO_LINES[@]}"
		;;
	can)
		check "can: the interface starts" ip link set can0 up
		check "can: a frame is sent and one is received" inside can
		;;
	esac
}

check "the drivers bind to the devices ($*)" drivers_bind "$@"
for name; do
	use "$name"
done
finish
