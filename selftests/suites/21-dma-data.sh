#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# hugepages: 16
#
# What the server sees through DMA maps.

. "$(dirname "$0")/../lib.sh"

run dma_data_test
