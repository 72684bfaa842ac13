/* SPDX-License-Identifier: GPL-2.0 */
/* Create and remove devices through sysfs. */
#ifndef VUSERCTL_SYSFS_H
#define VUSERCTL_SYSFS_H

/* The parent and the type of the devices, as mdevctl(8) names them. */
#define SYSFS_PARENT "vuser"
#define SYSFS_TYPE   "vuser-pci"
/* The folder of the settings in the directory of a device. */
#define SYSFS_SETTINGS "vuser"

#define SYSFS_CREATE                        \
	"/sys/class/mdev_bus/" SYSFS_PARENT \
	"/mdev_supported_types/" SYSFS_TYPE "/create"
#define SYSFS_MDEV   "/sys/bus/mdev/devices"
#define SYSFS_MODULE "/sys/module/vuser"

/* Write @text to a file; 0 or -errno. */
int sysfs_write(const char *path, const char *text);

/*
 * Create or remove a device. Both wait until the kernel has finished; 0 or
 * -errno.
 */
int sysfs_create(const char *uuid);
int sysfs_remove(const char *uuid);

#endif /* VUSERCTL_SYSFS_H */
