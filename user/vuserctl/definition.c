// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "definition.h"
#include "sysfs.h"

#define KEY_MAX 300

struct visit {
	void (*fn)(void *data, const struct definition *definition);
	void *data;
	char *why;
	size_t size;
};

static int bad(const struct visit *visit, const char *what, const char *name)
{
	snprintf(visit->why, visit->size, what, name);
	return -EINVAL;
}

/* An attribute is { NAME: VALUE }; NAME becomes part of a path. */
static int check_attr(const struct visit *visit, struct json_object *attr)
{
	static const char prefix[] = SYSFS_SETTINGS "/";
	const size_t len = sizeof(prefix) - 1;

	if (!json_object_is_type(attr, json_type_object) ||
	    json_object_object_length(attr) != 1)
		return bad(visit, "an attribute is not an object with one %s",
			   "member");
	json_object_object_foreach(attr, key, value) {
		if (strncmp(key, prefix, len) || strchr(key + len, '/') ||
		    !key[len] || key[len] == '.' || strlen(key) > KEY_MAX)
			return bad(visit, "'%s' is not a setting of vuser",
				   key);
		if (!json_object_is_type(value, json_type_string))
			return bad(visit, "the value of '%s' is not a string",
				   key);
	}
	return 0;
}

static int check_attrs(const struct visit *visit, struct json_object *attrs)
{
	size_t i;
	int ret = 0;

	if (!attrs)
		return 0;
	if (!json_object_is_type(attrs, json_type_array))
		return bad(visit, "'%s' is not an array", "attrs");
	for (i = 0; i < json_object_array_length(attrs) && !ret; i++)
		ret = check_attr(visit, json_object_array_get_idx(attrs, i));
	return ret;
}

static int visit_definition(const struct visit *visit, const char *uuid,
			    struct json_object *object)
{
	struct definition definition;
	struct json_object *type;
	uint8_t bytes[VUSER_UUID_LEN];
	int ret;

	if (vnl_uuid_parse(uuid, bytes))
		return bad(visit, "'%s' is not a UUID", uuid);
	vnl_uuid_format(bytes, definition.uuid);
	if (!json_object_object_get_ex(object, "mdev_type", &type) ||
	    !json_object_is_type(type, json_type_string) ||
	    strcmp(json_object_get_string(type), SYSFS_TYPE))
		return bad(visit, "the type of %s is not " SYSFS_TYPE, uuid);
	json_object_object_get_ex(object, "attrs", &definition.attrs);
	ret = check_attrs(visit, definition.attrs);
	if (!ret && visit->fn)
		visit->fn(visit->data, &definition);
	return ret;
}

static int visit_devices(const struct visit *visit, struct json_object *devices)
{
	struct json_object *device;
	size_t i;
	int ret = 0;

	if (!json_object_is_type(devices, json_type_array))
		return bad(visit, "'%s' is not an array", SYSFS_PARENT);
	for (i = 0; i < json_object_array_length(devices) && !ret; i++) {
		device = json_object_array_get_idx(devices, i);
		if (!json_object_is_type(device, json_type_object))
			return bad(visit, "a device of '%s' is not an object",
				   SYSFS_PARENT);
		json_object_object_foreach(device, uuid, object) {
			ret = visit_definition(visit, uuid, object);
			if (ret)
				break;
		}
	}
	return ret;
}

static int visit_root(const struct visit *visit, struct json_object *root)
{
	struct json_object *parents, *devices;
	size_t i;
	int ret = 0;

	if (!json_object_is_type(root, json_type_array))
		return bad(visit, "this is not what %s prints",
			   "vuserctl save or mdevctl list --dumpjson");
	for (i = 0; i < json_object_array_length(root) && !ret; i++) {
		parents = json_object_array_get_idx(root, i);
		if (!json_object_is_type(parents, json_type_object))
			return bad(visit, "a member of the %s is not an object",
				   "array");
		if (json_object_object_get_ex(parents, SYSFS_PARENT, &devices))
			ret = visit_devices(visit, devices);
	}
	return ret;
}

int definition_check(struct json_object *root, char *why, size_t size)
{
	const struct visit visit = { .why = why, .size = size };

	return visit_root(&visit, root);
}

void definition_each(struct json_object *root,
		     void (*fn)(void *data,
				const struct definition *definition),
		     void *data)
{
	char why[1];
	const struct visit visit = {
		.fn = fn, .data = data, .why = why, .size = sizeof(why)
	};

	visit_root(&visit, root);
}

bool definition_attr(const struct definition *definition, size_t index,
		     const char **key, const char **value)
{
	struct json_object *attr;

	if (!definition->attrs ||
	    index >= json_object_array_length(definition->attrs))
		return false;
	attr = json_object_array_get_idx(definition->attrs, index);
	json_object_object_foreach(attr, name, object) {
		*key = name;
		*value = json_object_get_string(object);
	}
	return true;
}
