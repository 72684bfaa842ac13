#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A physical device and type1 beside vuser's devices and backend.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

modprobe -a vfio-pci vfio_iommu_type1
# type1 wants a kernel that remaps interrupts; the debugging kernel does not.
echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
run physical_test
