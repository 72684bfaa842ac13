#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's QEMU takes the device by -device vfio-pci,sysfsdev=. With anonymous guest
# memory, the kernel pins the memory and shows it to the server. With a memfd as guest
# memory, the server gets the memfd.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

# shellcheck source=../consumers/qemu/guest.sh
. "$CONSUMERS/qemu/guest.sh"

vfio_pci()
{
	echo "-device vfio-pci,sysfsdev=$MDEVS/${UUID[ioat]}"
}

check "the module and the helper start" vuser_up || finish
check "ioat device attaches" device_up ioat vuser-ioat -s || finish

# The server's mappings show whether it got the memfd.
maps=/proc/${SERVER[ioat]}/maps
before=$(counter ioat dma-map)
# shellcheck disable=SC2046 # two words
check "vfio-pci, anonymous memory: the firmware finds the device" \
	in_qemu "! grep memory-backend-memfd $maps" \
	"${qemu[@]}" $(vfio_pci)
check "vfio-pci, anonymous memory: the server mapped it" test \
	"$(counter ioat dma-map)" -gt "$before"
before=$(counter ioat dma-map)
# shellcheck disable=SC2046 # two words
check "vfio-pci, memfd: the firmware finds the device, the server the memfd" \
	in_qemu "grep memory-backend-memfd $maps" \
	"${qemu[@]}" "${memfd[@]}" $(vfio_pci)
check "vfio-pci, memfd: the server mapped it" test \
	"$(counter ioat dma-map)" -gt "$before"
check "no DMA region stays mapped after QEMU ended" test "$(counter ioat dma-regions)" = 0
check "ioat device is removed" device_down ioat

tested "QEMU vfio-pci $(version_of qemu-system-x86)" vuser-ioat
finish
