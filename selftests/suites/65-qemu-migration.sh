#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A QEMU migrates a guest with the device of one vuser-ioat to a QEMU with the device of
# another one.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

check "the module and the helper start" vuser_up || finish
check "the first device attaches" device_up first vuser-ioat -s || finish
check "the second device attaches" device_up second vuser-ioat -s || finish
"$CONSUMERS/qemu/migrate.py" "${UUID[first]}" "${UUID[second]}" \
	> "$WORK/migrate.tap" 2> "$WORK/migrate.log"
grep '^# ' "$WORK/migrate.tap"
cat "$WORK/migrate.log" >> "$WORK/migrate.tap"
retap "migration:" "$WORK/migrate.tap"
for name in first second; do
	check "no DMA region of the $name device stays mapped" \
		test "$(counter $name dma-regions)" = 0
	check "the $name device is removed" device_down $name
done
tested "QEMU vfio-pci $(version_of qemu-system-x86)" vuser-ioat
finish
