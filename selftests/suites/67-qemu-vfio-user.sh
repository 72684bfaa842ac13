#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's own vfio-user client (QEMU 10.1 or later) against vuser-ioat, without a kernel
# module: a client that the vuser project did not write tests the server side.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/qemu/guest.sh
. "$CONSUMERS/qemu/guest.sh"

check "vuser-ioat listens" daemon ioat vuser-ioat -s "$WORK/ioat.sock" || finish
maps=/proc/$(cat "$WORK/ioat.pid")/maps
socket="{\"type\":\"unix\",\"path\":\"$WORK/ioat.sock\"}"
device="{\"driver\":\"vfio-user-pci\",\"socket\":$socket}"

# The second client connects after the first has disconnected.
for time in first second; do
	check "vfio-user-pci, $time time: the firmware finds the device" \
		in_qemu "grep memory-backend-memfd $maps" \
		"${qemu[@]}" "${memfd[@]}" -device "$device"
done
check "vuser-ioat still runs" kill -0 "$(cat "$WORK/ioat.pid")"
daemon_stop ioat
tested "QEMU vfio-user-pci $(version_of qemu-system-x86)" vuser-ioat
finish
