#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# The socket to the server as the kernel uses it.

. "$(dirname "$0")/../lib.sh"

run socket_test
