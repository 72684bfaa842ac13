#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 900
#
# Random maps and unmaps against a model, for servers of few DMA regions.

. "$(dirname "$0")/../lib.sh"

run dma_random_test
