/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Actions in /sys: create and remove devices, read and write their attributes,
 * wait for a state.  Functions return 0 or -errno.
 */
#ifndef SELFTESTS_SYSFS_H
#define SELFTESTS_SYSFS_H

#include <stddef.h>

#define UUID_LEN 36

#define MDEV_TYPE    "/sys/class/mdev_bus/vuser/mdev_supported_types/vuser-pci"
#define MDEV_DEVICES "/sys/bus/mdev/devices"

/* Writes a new random UUID. */
void uuid_new(char uuid[UUID_LEN + 1]);

int file_write(const char *path, const char *value);
int file_read(const char *path, char *buf, size_t size);

int mdev_create(const char *uuid);
/* Returns when the device no longer exists. */
int mdev_remove(const char *uuid);
int mdev_exists(const char *uuid);
/* Attributes of the group "vuser"; reading strips the newline. */
int mdev_set(const char *uuid, const char *attr, const char *value);
int mdev_get(const char *uuid, const char *attr, char *buf, size_t size);
/* Waits for the attribute @attr to read @value; -ETIMEDOUT after @ms. */
int mdev_wait(const char *uuid, const char *attr, const char *value, int ms);
/*
 * Waits until the server of an open device is lost.  The state may be "resuming" already,
 * since vuserd connects to a server that still listens.
 */
int mdev_wait_lost(const char *uuid, int ms);
/* The number of the VFIO group, N in /dev/vfio/N. */
int mdev_group(const char *uuid);

#endif /* SELFTESTS_SYSFS_H */
