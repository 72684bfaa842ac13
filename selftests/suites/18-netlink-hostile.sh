#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# The control plane against callers that have the right to call it: wrong
# messages of every kind, and good ones out of their order.

. "$(dirname "$0")/../lib.sh"

load_module && "$PROGS/netlink_order_test"
run netlink_hostile_test
