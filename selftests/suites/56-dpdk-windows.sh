#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.12
# timeout: 900
# hugepages: 512
#
# DPDK against servers that take 8 DMA regions only: one that says so, with 512 huge
# pages, which DPDK maps one by one; one that refuses the ninth, on --no-huge, where DPDK
# maps 16,384 single pages (each with each is 22-dma-window's).  And against one that
# gets no memory at all, but asks for each byte.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"

DPDK_RUN=dpdk_alone

# windows NAME LABEL OPTION...: a run for which hundreds of maps or more are told
# as a few regions.
windows()
{
	local before

	before=$(counter "$1" dma-map)
	dpdk_check "$@"
	check "$2: the server was told windows" test \
		"$(counter "$1" dma-map)" -lt $((before + 100))
}

check "the module and the helper start" vuser_up || finish
check "512 huge pages" hugepages 2048 512 || finish

check "a device that announces 8 DMA regions attaches" \
	device_up eight vuser-ioat --max-dma-maps 8 -s || finish
windows eight "8 regions announced, 512 huge pages" -m 1024
check "that device is removed" device_down eight

check "a device that refuses the ninth DMA region attaches" \
	device_up quiet vuser-ioat --max-dma-maps 8 --hide-max-dma-maps -s || finish
windows quiet "ninth region refused, --no-huge" --no-huge -m 64
check "that device is removed too" device_down quiet

check "a device that gets no memory to map attaches" \
	device_up messages vuser-ioat --no-fd-dma -s || finish
dpdk_check messages "DMA by messages" -m 64
check "DMA by messages: they were served" test \
	"$(counter messages dma-read)" -gt 100
check "that device is removed as well" device_down messages
finish
