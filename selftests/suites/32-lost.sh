#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 400
#
# Servers that vanish or break the protocol.

. "$(dirname "$0")/../lib.sh"

run lost_test
