#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Mapping regions.

. "$(dirname "$0")/../lib.sh"

run mmap_test
