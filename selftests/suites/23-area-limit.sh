#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.12
# timeout: 240
#
# What is held of a server's memory has a limit, of 262,144 pages, each touched here:
# counted by us, not by the kernel, so once is enough.

. "$(dirname "$0")/../lib.sh"

run area_test -t at_most_1_gib_of_an_area_is_held
