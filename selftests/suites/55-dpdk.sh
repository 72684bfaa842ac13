#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 900
# memory: 3072
# hugepages: 512
#
# Debian's DPDK, unmodified, drives the ioat device: dmadev_autotest with huge
# pages and on --no-huge, also against servers that take 8 DMA regions only.
# 512 huge pages are 512 maps then, --no-huge makes 16,384 of them.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"

# autotest NAME LABEL OPTION...: one run, seen to have driven device NAME.
autotest()
{
	local name=$1 label=$2 out=$WORK/dpdk.log loads stores

	shift 2
	loads=$(counter "$name" trap-load)
	stores=$(counter "$name" trap-store)
	dpdk_autotest "${BDF[$name]}" "$out" "$@" ||
		echo "dpdk-test ended with status $?" >> "$out"
	if dpdk_passed "${BDF[$name]}" "$out" > "$LOG"; then
		ok "$label: dmadev_autotest passes on ${BDF[$name]}"
	else
		tr '\r' '\n' < "$out" | grep -av '^Ops submitted' |
			tail -n 40 >> "$LOG"
		DIAG_LINES=60 not_ok "$label: dmadev_autotest passes on ${BDF[$name]}" \
			"$LOG"
	fi
	# Each doorbell is a store that was trapped, so is each start's load.
	check "$label: it drove the device's registers" test \
		"$(counter "$name" trap-store)" -gt $((stores + 100)) -a \
		"$(counter "$name" trap-load)" -gt "$loads"
	check "$label: nothing stays mapped" test \
		"$(counter "$name" dma-regions)" = 0
}

check "the module and the helper start" vuser_up || finish
check "ioat device attaches" device_up ioat vuser-ioat -s || finish
check "512 huge pages" hugepages 2048 512

autotest ioat "huge pages" -m 256
autotest ioat "--no-huge" --no-huge -m 64
check "the ioat device is removed" device_down ioat

check "a device that announces 8 DMA regions attaches" \
	device_up eight vuser-ioat --max-dma-maps 8 -s || finish
autotest eight "512 huge pages, 8 regions announced" -m 1024
autotest eight "--no-huge, 8 regions announced" --no-huge -m 64
check "that device is removed" device_down eight

check "a device that refuses the ninth DMA region attaches" \
	device_up quiet vuser-ioat --max-dma-maps 8 --hide-max-dma-maps -s || finish
autotest quiet "512 huge pages, the ninth region refused" -m 1024
autotest quiet "--no-huge, the ninth region refused" --no-huge -m 64
check "that device is removed too" device_down quiet

check "a device that gets no memory to map attaches" \
	device_up messages vuser-ioat --no-fd-dma -s || finish
autotest messages "DMA by messages" -m 64
check "DMA by messages: they were served" test \
	"$(counter messages dma-read)" -gt 100
check "that device is removed as well" device_down messages

hugepages 2048 0
finish
