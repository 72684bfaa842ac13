#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 420
#
# Consumers that are killed, or close, with work in flight.

. "$(dirname "$0")/../lib.sh"

# For memory that does not come; built in or not.
modprobe fuse
run kill_test
