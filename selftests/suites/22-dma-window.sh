#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 600
#
# Servers that take few DMA regions.

. "$(dirname "$0")/../lib.sh"

run dma_window_test
