#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# The container's ioctls, as type1 answers them.

. "$(dirname "$0")/../lib.sh"

run dma_map_test
