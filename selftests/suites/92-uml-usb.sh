#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Linux's own xHCI driver, in User-Mode Linux, uses the controller of usbvfiod, a server of
# another project. usbvfiod passes a USB disk of the machine through: dummy_hcd and
# g_mass_storage make it of a file.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IMAGE=$WORK/disk.img
USBVFIOD=${VUSER_USBVFIOD:-$BUILD/../usbvfiod/bin/usbvfiod}

# The file of the disk in /dev/bus/usb, once the machine has found the disk.
usb_disk()
{
	local device

	for device in /sys/bus/usb/devices/*; do
		if [ "$(cat "$device/product" 2> /dev/null)" = "Mass Storage Gadget" ]; then
			printf '/dev/bus/usb/%03d/%03d\n' "$(cat "$device/busnum")" \
				"$(cat "$device/devnum")"
			return
		fi
	done
	return 1
}

plug()
{
	truncate -s 16M "$IMAGE"
	modprobe dummy_hcd && modprobe g_mass_storage file="$IMAGE" || return
	for ((tries = 0; tries < SOON * 10; tries++)); do
		DISK=$(usb_disk) && [ -c "$DISK" ] && return
		sleep 0.1
	done
	return 1
}

unplug()
{
	modprobe -r g_mass_storage && modprobe -r dummy_hcd
}

# usbvfiod panics when it gets a RESET. It also panics when it gets DMA_UNMAP, which the
# kernel sends when the consumer closes the device: usbvfiod serves one consumer.
attach()
{
	serve usb env RUST_BACKTRACE=1 "$USBVFIOD" --no-color --device "$DISK" --socket-path
	UUID[usb]=$(vuserctl create --wait --reset never --endpoint "$WORK/usb.sock") &&
		device_of usb
}

disk_outside()
{
	e2fsck -f -n "$IMAGE" && debugfs -R "dump /inside $WORK/dumped" "$IMAGE" &&
		cmp "$WORK/written" "$WORK/dumped"
}

check "the module and the helper start" vuser_up || finish
check "the machine has a USB disk" plug || finish
check "usbvfiod attaches" attach || {
	diag < "$WORK/usb.log"
	finish
}
uml_tap "xhci:" usb "$CONSUMERS/uml/usb.sh" "$WORK"
diag < "$WORK/usb.log"
check "the device is removed" device_down usb
check "the USB disk is removed" unplug
check "the disk's image has the file" disk_outside
tested "Linux xhci_hcd $(uml_version)" "usbvfiod 0.3.0"
finish
