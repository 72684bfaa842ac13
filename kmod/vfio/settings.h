/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The settings of a device.  The administrator changes them through sysfs or
 * netlink.
 */
#ifndef VUSER_SETTINGS_H
#define VUSER_SETTINGS_H

#include <linux/types.h>

struct attribute_group;
struct vuser_device;
struct vuser_settings;

/* Limits of the timeouts, in milliseconds. */
#define VUSER_TIMEOUT_MIN	10
#define VUSER_TIMEOUT_MAX	3600000

extern const struct attribute_group *vuser_settings_groups[];

int vuser_settings_check(const struct vuser_settings *set);
void vuser_settings_put(struct vuser_device *dev,
			const struct vuser_settings *set);
int vuser_settings_copy_endpoint(const char *path, char **copy);
void vuser_settings_put_endpoint(struct vuser_device *dev, char *copy);
int vuser_settings_set_pci_address(struct vuser_device *dev,
				   const char *address);
void vuser_settings_free_pci_address(struct vuser_device *dev);
bool vuser_settings_has_address(struct vuser_device *dev, const char *name);

#endif /* VUSER_SETTINGS_H */
