#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 7800
# hugepages: 16
#
# Everything at random, from all sides at once, for VUSER_SECONDS (15).

. "$(dirname "$0")/../lib.sh"

run random_test
