/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Definitions of devices, as `mdevctl list --dumpjson` prints them:
 *
 *	[ { PARENT: [ { UUID: { "mdev_type": TYPE, "attrs": [ { NAME: VALUE }, ... ] } },
 *		      ... ], ... } ]
 */
#ifndef VUSERCTL_DEFINITION_H
#define VUSERCTL_DEFINITION_H

#include <json-c/json.h>
#include <stdbool.h>

#include "../netlink/uuid.h"

/**
 * struct definition - the definition of one device
 * @uuid: UUID in small letters
 * @attrs: array of its attributes
 */
struct definition {
	char uuid[VNL_UUID_TEXT];
	struct json_object *attrs;
};

/**
 * definition_check - check definitions from outside
 * @root: the definitions
 * @why: set to the reason after -EINVAL
 * @size: size of @why
 *
 * Devices of other parents are not checked, because they are not devices of vuser.
 *
 * Return: 0 or -EINVAL.
 */
int definition_check(struct json_object *root, char *why, size_t size);

/* Call @fn for each device of vuser in @root, which definition_check() has accepted. */
void definition_each(struct json_object *root,
		     void (*fn)(void *data,
				const struct definition *definition),
		     void *data);

/* The attribute at @index: its file below the device, and its value; false at the end. */
bool definition_attr(const struct definition *definition, size_t index,
		     const char **key, const char **value);

#endif /* VUSERCTL_DEFINITION_H */
