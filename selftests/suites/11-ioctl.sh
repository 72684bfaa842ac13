#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# The device's ioctls, with good and bad arguments.

. "$(dirname "$0")/../lib.sh"

run ioctl_test
