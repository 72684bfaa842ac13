# SPDX-License-Identifier: GPL-2.0
# The machines and the device models of lab/qemu-server. A target for x86 does not link
# without any machine; microvm is the smallest.
CONFIG_PCI_DEVICES=n
CONFIG_MICROVM=y
CONFIG_MULTIPROCESS=y
CONFIG_VFIO_USER_SERVER=y
CONFIG_E1000_PCI=y
CONFIG_E1000E_PCI_EXPRESS=y
CONFIG_IGB_PCI_EXPRESS=y
CONFIG_NVME_PCI=y
CONFIG_EDU=y
