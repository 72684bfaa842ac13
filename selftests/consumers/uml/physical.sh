#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In User-Mode Linux: Linux's drivers of physical devices use a disk, nvme, and a network
# card, e1000e.
# usage: physical.sh DIRECTORY ADDRESS MAC
#   DIRECTORY	for files
#   ADDRESS	the IP address that answers on the network 10.99.0.0/24
#   MAC		the card's address

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "$0")/check.sh"
# shellcheck source-path=SCRIPTDIR source=card.sh
. "$(dirname "$0")/card.sh"
# shellcheck source-path=SCRIPTDIR source=disk.sh
. "$(dirname "$0")/disk.sh"

dir=$1 address=$2 mac=$3

# UML probes devices while the first process runs.
drivers_bind()
{
	soon test -d /sys/class/nvme/nvme0 && soon test -d /sys/class/net/eth0 &&
		[ "$(driver_of /sys/class/nvme/nvme0/device)" = nvme ] &&
		[ "$(driver_of /sys/class/net/eth0/device)" = e1000e ]
}

check "the drivers bind to the devices" drivers_bind
disk_check /dev/nvme0n1 nvme0q "$dir"
check "eth0 has the address of the card and a link" card_up "$mac"
check "small packets are answered" pings 56 "$address"
check "large packets are answered" pings 1400 "$address"
check "the card has interrupted" interrupts eth0
finish
