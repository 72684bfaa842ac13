#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Servers that keep the file of a DMA map.

. "$(dirname "$0")/../lib.sh"

modprobe brd rd_nr=1 rd_size=1024
run memory_test
