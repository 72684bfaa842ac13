#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# Memory whose pages a FUSE server brings in.

. "$(dirname "$0")/../lib.sh"

run fuse_test
