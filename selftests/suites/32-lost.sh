#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 200
#
# Servers that vanish.

. "$(dirname "$0")/../lib.sh"

run lost_test
