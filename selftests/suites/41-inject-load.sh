#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: debug
# timeout: 300
#
# Every allocation of the module's start fails in turn.

. "$(dirname "$0")/../lib.sh"

run inject_load_test
