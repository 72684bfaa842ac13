#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 120
#
# Servers that send without end, read nothing, or answer too late.

. "$(dirname "$0")/../lib.sh"

run flood_test
