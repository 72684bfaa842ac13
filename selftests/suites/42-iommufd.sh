#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: debug
# timeout: 180
#
# A consumer that comes by iommufd.

. "$(dirname "$0")/../lib.sh"

modprobe fuse
run iommufd_test
