#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 600
#
# QEMU.  Debian's own takes the device by -device vfio-pci,sysfsdev=, once with
# anonymous guest memory, which the kernel pins and shows to the server, once
# with a memfd, which the server gets itself.  And QEMU 11.1's own vfio-user
# client against vuser-ioat, without a kernel module: the server tried by a
# client that nobody here wrote.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IOAT=8086:2021
MEMORY=128M
qemu=(qemu-system-x86_64 -machine q35 -accel tcg -cpu qemu64 -m "$MEMORY")
memfd=(-object "memory-backend-memfd,id=ram,size=$MEMORY,share=on"
	-machine memory-backend=ram)

# in_qemu NAME OPTION...: what the firmware sees of the device.
in_qemu()
{
	"$CONSUMERS/qemu/qemu_pci.py" "$IOAT" --run "$1" "${@:2}"
}

vfio_pci()
{
	echo "-device vfio-pci,sysfsdev=$MDEVS/${UUID[ioat]}"
}

check "the module and the helper start" vuser_up || finish
check "ioat device attaches" device_up ioat vuser-ioat -s || finish

# What the server has mapped tells which backing it was given.
maps=/proc/${SERVER[ioat]}/maps
before=$(counter ioat dma-map)
# shellcheck disable=SC2046 # two words
check "vfio-pci, anonymous memory: the firmware finds the device" \
	in_qemu "! grep memory-backend-memfd $maps" \
	"${qemu[@]}" $(vfio_pci)
check "vfio-pci, anonymous memory: the server was told of it" test \
	"$(counter ioat dma-map)" -gt "$before"
before=$(counter ioat dma-map)
# shellcheck disable=SC2046 # two words
check "vfio-pci, memfd: the firmware finds the device, the server the memfd" \
	in_qemu "grep memory-backend-memfd $maps" \
	"${qemu[@]}" "${memfd[@]}" $(vfio_pci)
check "vfio-pci, memfd: the server was told of it" test \
	"$(counter ioat dma-map)" -gt "$before"
check "nothing stays mapped" test "$(counter ioat dma-regions)" = 0
check "ioat device is removed" device_down ioat

name="vfio-user-pci, QEMU's own client: the firmware finds the device"
if ! qemu-system-x86_64 -device help | grep -q '"vfio-user-pci"'; then
	skip "$name" "$(qemu-system-x86_64 --version | head -n 1) has no vfio-user client"
else
	check "vuser-ioat listens" daemon direct vuser-ioat -s "$WORK/direct.sock"
	socket="{\"type\":\"unix\",\"path\":\"$WORK/direct.sock\"}"
	check "$name" in_qemu \
		"grep memory-backend-memfd /proc/$(cat "$WORK/direct.pid")/maps" \
		"${qemu[@]}" "${memfd[@]}" \
		-device "{\"driver\":\"vfio-user-pci\",\"socket\":$socket}"
	daemon_stop direct
fi
finish
