#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 60
#
# The module is unloaded while a channel is still ending.

. "$(dirname "$0")/../lib.sh"

# Built in or not.
modprobe fuse
run unload_test
