/* SPDX-License-Identifier: GPL-2.0 */
/* The sysfs attributes of a device. */
#ifndef VUSER_SETTINGS_H
#define VUSER_SETTINGS_H

struct attribute_group;

extern const struct attribute_group *vuser_attr_groups[];

#endif /* VUSER_SETTINGS_H */
