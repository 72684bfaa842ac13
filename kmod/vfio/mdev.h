/* SPDX-License-Identifier: GPL-2.0 */
/* The mdev type, and what an administrator sets through sysfs. */
#ifndef VUSER_MDEV_H
#define VUSER_MDEV_H

struct vuser_device;
struct vuser_settings;

int vuser_mdev_init(void);
void vuser_mdev_exit(void);

/* Limits of the settings; times in milliseconds. */
#define VUSER_TIMEOUT_MIN	10
#define VUSER_TIMEOUT_MAX	3600000

int vuser_settings_check(const struct vuser_settings *set);
int vuser_device_set_endpoint(struct vuser_device *dev, const char *path);
int vuser_device_set_pci_address(struct vuser_device *dev,
				 const char *address);
bool vuser_device_has_address(struct vuser_device *dev, const char *name);

#endif /* VUSER_MDEV_H */
