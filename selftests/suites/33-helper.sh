#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# The helper ends, is killed, hangs.

. "$(dirname "$0")/../lib.sh"

run helper_test
