/* SPDX-License-Identifier: GPL-2.0 */
/* The view of /sys/bus/pci/devices, put where programs look for it. */
#ifndef VUSERCTL_TREE_H
#define VUSERCTL_TREE_H

#include "../netlink/dev.h"

#define TREE_PCI_DEVICES "/sys/bus/pci/devices"
#define TREE_VFIO_PCI	 "/sys/bus/pci/drivers/vfio-pci"

struct tree;

/**
 * tree_open - cover TREE_PCI_DEVICES with a view of it, real devices in it
 * @tree: result
 *
 * Meant for a mount namespace of the caller's own.
 *
 * Return: 0 or -errno.
 */
int tree_open(struct tree **tree);

/* Add a device for which view_possible(); 0 or -errno. */
int tree_add(struct tree *tree, const struct vnl_dev *dev);

/* Nothing can be changed afterwards; 0 or -errno. */
int tree_seal(struct tree *tree);

#endif /* VUSERCTL_TREE_H */
