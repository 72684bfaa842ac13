#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DPDK maps 512 huge pages one by one, or 16,384 single pages with --no-huge. The server
# gets one DMA region for each island of adjacent pages. Two servers take only 8 DMA
# regions: one announces the limit, another refuses the ninth region. (22-dma-limit tests
# the other combinations.) A last server gets no memory at all and reads and writes each
# byte by messages.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"

DPDK_RUN=dpdk_alone

# islands NAME LABEL OPTION...: a run in which hundreds of DMA maps or more become a few
# DMA regions at the server.
islands()
{
	local before

	before=$(counter "$1" dma-map)
	dpdk_check "$@"
	check "$2: the server got a few DMA regions" test \
		"$(counter "$1" dma-map)" -le $((before + 8))
}

check "the module and the helper start" vuser_up || finish
check "512 huge pages" hugepages 2048 512 || finish

check "a device that announces no limit attaches" device_up many vuser-ioat -s || finish
islands many "no limit announced, 512 huge pages" -m 1024
check "the device that announces no limit is removed" device_down many

check "a device that announces 8 DMA regions attaches" \
	device_up eight vuser-ioat --max-dma-maps 8 -s || finish
islands eight "8 regions announced, 512 huge pages" -m 1024
check "the device that announces its limit is removed" device_down eight

check "a device that refuses the ninth DMA region attaches" \
	device_up quiet vuser-ioat --max-dma-maps 8 --hide-max-dma-maps -s || finish
islands quiet "ninth region refused, --no-huge" --no-huge -m 64
check "the device that refuses the ninth region is removed" device_down quiet

check "a device that gets no memory to map attaches" \
	device_up messages vuser-ioat --no-fd-dma -s || finish
dpdk_check messages "DMA by messages" -m 64
check "DMA by messages: the server read memory by messages" test \
	"$(counter messages dma-read)" -gt 100
check "the device that gets no memory is removed" device_down messages
tested "DPDK $(version_of dpdk)" vuser-ioat
finish
