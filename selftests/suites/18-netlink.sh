#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# The control plane without a helper: rights, owners, malformed requests.

. "$(dirname "$0")/../lib.sh"

run netlink_test
