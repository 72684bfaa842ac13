/* SPDX-License-Identifier: GPL-2.0 */
/* Find the device that the user names. */
#ifndef VUSERCTL_TARGET_H
#define VUSERCTL_TARGET_H

#include "ctl.h"

/**
 * target_find - find the device that the user names
 * @ctl: this run
 * @name: UUID or PCI address
 * @dev: filled in, with all members valid
 *
 * Return: 0, or an exit status after printing an error.
 */
int target_find(struct ctl *ctl, const char *name, struct vnl_dev *dev);

#endif /* VUSERCTL_TARGET_H */
