#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Servers that keep the file of a DMA map.

. "$(dirname "$0")/../lib.sh"

run memory_test
