/* SPDX-License-Identifier: GPL-2.0 */
/* Create and remove devices through sysfs. */
#ifndef VUSERCTL_SYSFS_H
#define VUSERCTL_SYSFS_H

#define SYSFS_CREATE \
	"/sys/class/mdev_bus/vuser/mdev_supported_types/vuser-pci/create"
#define SYSFS_MDEV "/sys/bus/mdev/devices"

/* Write @text to a file; 0 or -errno. */
int sysfs_write(const char *path, const char *text);

/*
 * Create or remove a device. Both wait until the kernel has finished; 0 or
 * -errno.
 */
int sysfs_create(const char *uuid);
int sysfs_remove(const char *uuid);

#endif /* VUSERCTL_SYSFS_H */
