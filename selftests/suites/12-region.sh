#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# pread and pwrite of regions.

. "$(dirname "$0")/../lib.sh"

run region_test
