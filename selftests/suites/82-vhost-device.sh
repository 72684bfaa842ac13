#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Back ends that the vuser project did not write: vhost-device-rng, -vsock, -i2c, -scsi,
# -console, -input and -can, each behind a vuser-vhost. Linux's own drivers, in
# User-Mode Linux, use the devices. Each device is checked from both sides.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source-path=SCRIPTDIR source=../consumers/vhost-device/common.sh
. "$CONSUMERS/vhost-device/common.sh"

ADAPTER="SMBus stub driver"
CHIP=0x50
BLOCKS=262144 # bytes
PORT=12345
names=(rng vsock i2c scsi console input)

# The number of the adapter of i2c-stub.
i2c_bus()
{
	local name

	name=$(grep -l "^$ADAPTER\$" /sys/bus/i2c/devices/i2c-*/name) && name=${name%/name} &&
		echo "${name##*-}"
}

hardware()
{
	modprobe i2c-dev && modprobe i2c-stub chip_addr=$CHIP && i2c_bus &&
		modprobe uinput && modprobe evdev &&
		modprobe vcan && ip link add vcan0 type vcan && ip link set vcan0 up
}

no_hardware()
{
	ip link del vcan0 && modprobe -r i2c-stub
}

files()
{
	head -c 1M /dev/urandom > "$WORK/random.source" &&
		head -c $BLOCKS /dev/urandom > "$WORK/blocks" &&
		cp "$WORK/blocks" "$WORK/disk.img" && truncate -s 1M "$WORK/disk.img" &&
		outside i2c-write "$(i2c_bus)"
}

keyboard()
{
	peer input "$WORK/keyboard" "$WORK/keys" &&
		timeout "$SOON" bash -c "until [ -e '$WORK/keyboard' ]; do sleep 0.1; done"
}

back_ends()
{
	back_end rng -s "$WORK/rng.back" -f "$WORK/random.source" &&
		back_end vsock --socket "$WORK/vsock.back" --guest-cid 3 \
			--uds-path "$WORK/vsock" &&
		back_end i2c -s "$WORK/i2c.back" -l "$ADAPTER:$((CHIP))" &&
		back_end scsi -s "$WORK/scsi.back" "$WORK/disk.img" &&
		back_end console -s "$WORK/console.back" -b network -p $PORT &&
		back_end input -s "$WORK/input.back" -e "$WORK/keyboard"
}

can_back_end()
{
	WITH="chrt --idle 0" back_end can -s "$WORK/can.back" -d vcan0
}

check "the module and the helper start" vuser_up || finish
check "the machine has an i2c chip, uinput and a CAN bus" hardware || finish
check "the back ends have their files" files || finish
check "the machine has a keyboard" keyboard || finish
check "the back ends start" back_ends || finish
for name in "${names[@]}"; do
	check "the device attaches ($name)" create "$name" || finish
done
peer vsock "$WORK/vsock"
peer console $PORT
drive "${names[@]}"
check "rng: the bytes are those of the back end's source" \
	outside rng "$WORK/random.source" "$WORK/random"
check "i2c: the register has what was written" outside i2c-read "$(i2c_bus)"
check "scsi: the file has what was written" \
	cmp -n $BLOCKS -i 0:$BLOCKS "$WORK/blocks" "$WORK/disk.img"
for name in vsock console; do
	check "$name: the other side has seen the same" peer_done $name
done
removed "${names[@]}"

# vhost-device-can polls without a pause. So it runs alone, and gets only the processor time
# that no other process wants.
check "the back end starts (can)" can_back_end || finish
check "the device attaches (can)" create can || finish
peer can vcan0
drive can
check "can: the other side has seen the same" peer_done can
removed can
peers_end
check "the i2c chip and the CAN bus are removed" no_hardware
finish
