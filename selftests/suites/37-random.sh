#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 7800
# hugepages: 32
#
# Everything at random, from all sides at once, for VUSER_SECONDS (15).

. "$(dirname "$0")/../lib.sh"

# Built in or not.
modprobe fuse
run random_test
