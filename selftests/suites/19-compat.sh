#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.1 6.12 7.2
# timeout: 60
#
# A consumer that is a 32-bit program. (The debugging kernel runs none.)

. "$(dirname "$0")/../lib.sh"

run compat_test
