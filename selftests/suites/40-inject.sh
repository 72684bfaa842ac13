#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: debug
# timeout: 600
#
# Every allocation of the module fails in turn.

. "$(dirname "$0")/../lib.sh"

run inject_test
