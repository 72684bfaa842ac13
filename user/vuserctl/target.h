/* SPDX-License-Identifier: GPL-2.0 */
/* Find the devices that the user names. */
#ifndef VUSERCTL_TARGET_H
#define VUSERCTL_TARGET_H

#include <stddef.h>

#include "ctl.h"

/**
 * struct targets - devices
 * @devs: the devices, with all members valid
 * @nr: number of devices
 * @single: the user named one device, so JSON is one object and not an array
 */
struct targets {
	struct vnl_dev *devs;
	size_t nr;
	bool single;
};

/**
 * target_find - find the device that the user names
 * @ctl: this run
 * @name: UUID or PCI address
 * @dev: filled in, with all members valid
 *
 * Return: 0, or an exit status after printing an error.
 */
int target_find(struct ctl *ctl, const char *name, struct vnl_dev *dev);

/**
 * target_all - find the devices that the user names, or all devices
 * @ctl: this run
 * @names: UUIDs and PCI addresses
 * @nr: number of names; 0 for all devices
 * @targets: filled in; to be freed, also after an error
 *
 * Return: 0, or an exit status after printing an error for each device that does not
 * exist.
 */
int target_all(struct ctl *ctl, char **names, int nr, struct targets *targets);

/* Free the devices. */
void target_free(struct targets *targets);

#endif /* VUSERCTL_TARGET_H */
