/* SPDX-License-Identifier: GPL-2.0 */
/* Create a device through sysfs, with messages for the user. */
#ifndef VUSERCTL_DEFINE_H
#define VUSERCTL_DEFINE_H

/* Create a device without settings; 0, or an exit status after printing an error. */
int define_create(const char *uuid);

#endif /* VUSERCTL_DEFINE_H */
