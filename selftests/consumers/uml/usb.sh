#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In User-Mode Linux: Linux's xHCI driver, and its drivers of USB and SCSI disks, use a disk
# at a USB port.
# usage: usb.sh DIRECTORY
#   DIRECTORY	for files

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "$0")/check.sh"
# shellcheck source-path=SCRIPTDIR source=disk.sh
. "$(dirname "$0")/disk.sh"

check "xhci_hcd binds to the controller" eval \
	'soon ls -d /sys/bus/pci/drivers/xhci_hcd/*:*'
check "usb-storage binds to the disk" eval \
	'soon ls -d /sys/bus/usb/drivers/usb-storage/*:*'
disk_check /dev/sda xhci_hcd "$1"
finish
