/* SPDX-License-Identifier: GPL-2.0 */
/* The view of /sys/bus/pci/devices, mounted over the real directory. */
#ifndef VUSERCTL_TREE_H
#define VUSERCTL_TREE_H

#include "../netlink/dev.h"

#define TREE_PCI_DEVICES "/sys/bus/pci/devices"
#define TREE_VFIO_PCI	 "/sys/bus/pci/drivers/vfio-pci"

struct tree;

/**
 * tree_open - mount a view over TREE_PCI_DEVICES, with the real devices in it
 * @tree: result
 *
 * The caller should be in a separate mount namespace.
 *
 * Return: 0 or -errno.
 */
int tree_open(struct tree **tree);

/* Add a device for which view_possible() is true; 0 or -errno. */
int tree_add(struct tree *tree, const struct vnl_dev *dev);

/**
 * tree_fill - write the files of a device, as in /sys/bus/pci/devices/ADDRESS
 * @dir: the directory. Files of these names are replaced, one by one.
 * @dev: a device for which view_possible() is true
 *
 * Return: 0 or -errno.
 */
int tree_fill(int dir, const struct vnl_dev *dev);

/* Make the view read-only and free @tree; 0 or -errno. */
int tree_seal(struct tree *tree);

#endif /* VUSERCTL_TREE_H */
