#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# Memory whose pages a FUSE server brings in.

. "$(dirname "$0")/../lib.sh"

# Built in or not.
modprobe fuse
run fuse_test
