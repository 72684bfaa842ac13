#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A QEMU takes the device by device_add and gives it back by device_del, VUSER_HOTPLUGS times
# (50). Each tenth time the server is killed between the two.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

# Create a device whose server does not run yet.
endpoint()
{
	UUID[ioat]=$(cat /proc/sys/kernel/random/uuid)
	echo "${UUID[ioat]}" > $TYPE/create && set_attr ioat endpoint "$WORK/ioat.sock"
}

check "the module and the helper start" vuser_up || finish
check "a device is created" endpoint || finish
"$CONSUMERS/qemu/hotplug.py" "${VUSER_HOTPLUGS:-50}" "${UUID[ioat]}" \
	vuser-ioat -s "$WORK/ioat.sock" > "$WORK/hotplug.tap" 2> "$WORK/hotplug.log"
grep '^# ' "$WORK/hotplug.tap"
cat "$WORK/hotplug.log" >> "$WORK/hotplug.tap"
retap "hotplug:" "$WORK/hotplug.tap"
check "no DMA region stays mapped" test "$(counter ioat dma-regions)" = 0
check "the device is removed" device_down ioat
tested "QEMU vfio-pci $(version_of qemu-system-x86)" vuser-ioat
finish
