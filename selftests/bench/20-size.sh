#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sizes in memory, and the time until a new device is attached.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

DEVICES=256

# Print the bytes of memory that the kernel uses for itself.
kernel_memory()
{
	echo 3 > /proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|KernelStack|PageTables|Percpu|VmallocUsed):/ {
		sum += $2 } END { print sum * 1024 }' /proc/meminfo
}

resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"; }

row "vuser.ko, loaded" "$(load_module &&
	awk '$1 == "vuser" { print $2 }' /proc/modules)" bytes

start vuserd --foreground
helper=$LAST_PID
serve "$WORK/0.sock"

times=()
for _ in $(seq 21); do
	begin=$(date +%s%N)
	uuid=$(vuserctl create --endpoint "$WORK/0.sock" --wait)
	times+=($(($(date +%s%N) - begin)))
	vuserctl remove "$uuid"
done
row "vuserctl create, until attached (median of 21)" \
	"$(printf '%s\n' "${times[@]}" | sort -n | sed -n 11p |
		awk '{ print $1 / 1e6 }')" ms

vuserctl create --endpoint "$WORK/0.sock" --wait > /dev/null
row "vuserd with 1 device, resident" "$(resident "$helper")" KiB

for i in $(seq 1 $((DEVICES - 1))); do
	serve "$WORK/$i.sock"
done
before=$(kernel_memory)
for i in $(seq 1 $((DEVICES - 1))); do
	vuserctl create --endpoint "$WORK/$i.sock" --wait > /dev/null
done
after=$(kernel_memory)
row_against "kernel memory of an idle attached device : 64 KiB" \
	$(((after - before) / (DEVICES - 1))) bytes 65536 1
row "vuserd with $DEVICES devices, resident" "$(resident "$helper")" KiB
