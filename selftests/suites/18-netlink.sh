#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# The control plane's messages, good, bad and mutated.

. "$(dirname "$0")/../lib.sh"

run netlink_test
