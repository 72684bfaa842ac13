#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# A physical device and type1 beside vuser's devices and backend.

. "$(dirname "$0")/../lib.sh"

modprobe vfio-pci
run physical_test
