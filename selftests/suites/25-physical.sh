#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# A physical device and type1 beside vuser's devices and backend.

. "$(dirname "$0")/../lib.sh"

modprobe -a vfio-pci vfio_iommu_type1
# The debugging kernel does not remap interrupts, which type1 wants.
echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
run physical_test
