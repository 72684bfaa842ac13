// SPDX-License-Identifier: GPL-2.0
/* Definitions of mdevctl, as vuserctl restore reads them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../vuserctl/definition.h"
#include "../harness.h"

#define UUID  "9f2d1c3e-0a5b-4c6d-8e7f-0123456789ab"
#define OTHER "0f2d1c3e-0a5b-4c6d-8e7f-0123456789ab"

static char why[256];

static int checked(const char *text)
{
	struct json_object *root = json_tokener_parse(text);
	int ret;

	require(root);
	why[0] = '\0';
	ret = definition_check(root, why, sizeof(why));
	json_object_put(root);
	return ret;
}

struct seen {
	int nr;
	char uuids[2][VNL_UUID_TEXT];
	char attrs[256];
};

static void see(void *data, const struct definition *definition)
{
	struct seen *seen = data;
	const char *key, *value;
	size_t i;

	require(seen->nr < 2);
	strcpy(seen->uuids[seen->nr++], definition->uuid);
	for (i = 0; definition_attr(definition, i, &key, &value); i++)
		snprintf(seen->attrs + strlen(seen->attrs),
			 sizeof(seen->attrs) - strlen(seen->attrs), "%s=%s;",
			 key, value);
}

/* As Debian's mdevctl prints them, with a device of another driver. */
static const char good[] =
	"[ { \"0000:00:02.0\": [ { \"x\": { \"mdev_type\": \"i915\" } } ],"
	"    \"vuser\": ["
	"      { \"" UUID
	"\": { \"mdev_type\": \"vuser-pci\", \"start\": \"auto\","
	"        \"attrs\": [ { \"vuser/mmap\": \"trap\" },"
	"                   { \"vuser/endpoint\": \"/run/a b.sock\" } ] } },"
	"      { \"" OTHER "\": { \"mdev_type\": \"vuser-pci\" } } ] } ]";

TEST(each_device_of_vuser_is_read_with_its_attributes)
{
	struct json_object *root = json_tokener_parse(good);
	struct seen seen = {};

	require(root);
	check_eq(definition_check(root, why, sizeof(why)), 0);
	definition_each(root, see, &seen);
	check_eq(seen.nr, 2);
	check(!strcmp(seen.uuids[0], UUID) && !strcmp(seen.uuids[1], OTHER));
	check(!strcmp(seen.attrs,
		      "vuser/mmap=trap;vuser/endpoint=/run/a b.sock;"));
	json_object_put(root);
}

#define DEVICE(uuid, rest) "[{\"vuser\":[{\"" uuid "\":{" rest "}}]}]"
#define ATTRS(attrs) \
	DEVICE(UUID, "\"mdev_type\":\"vuser-pci\",\"attrs\":" attrs)

TEST(definitions_of_no_device_are_accepted)
{
	check_eq(checked("[]"), 0);
	check_eq(checked("[{}]"), 0);
	check_eq(checked("[{\"vuser\":[]}]"), 0);
	check_eq(checked(ATTRS("[]")), 0);
}

TEST(other_json_is_refused_with_a_reason)
{
	static const char *const texts[] = {
		"{}",
		"[1]",
		"[{\"vuser\":{}}]",
		"[{\"vuser\":[1]}]",
		"[{\"vuser\":[{\"" UUID "\":1}]}]",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		check_eq(checked(texts[i]), -EINVAL);
		check(why[0]);
	}
}

TEST(device_that_is_not_of_vuser_is_refused)
{
	check_eq(checked(DEVICE("no", "\"mdev_type\":\"vuser-pci\"")), -EINVAL);
	check(strstr(why, "'no' is not a UUID"));
	check_eq(checked(DEVICE(UUID, "\"mdev_type\":\"mtty\"")), -EINVAL);
	check(strstr(why, "vuser-pci"));
}

/* The name of an attribute becomes part of a path in sysfs. */
TEST(attribute_outside_of_the_settings_is_refused)
{
	check_eq(checked(ATTRS("[{\"vuser/../remove\":\"1\"}]")), -EINVAL);
	check(strstr(why, "not a setting"));
	check_eq(checked(ATTRS("[{\"remove\":\"1\"}]")), -EINVAL);
	check_eq(checked(ATTRS("[{\"vuser/\":\"1\"}]")), -EINVAL);
	check_eq(checked(ATTRS("[{\"vuser/..\":\"1\"}]")), -EINVAL);
	check_eq(checked(ATTRS("[{\"vuser/mmap\":1}]")), -EINVAL);
	check_eq(checked(ATTRS("[{\"vuser/mmap\":\"a\",\"b\":\"c\"}]")),
		 -EINVAL);
	check_eq(checked(ATTRS("[[]]")), -EINVAL);
	check_eq(checked(ATTRS("{}")), -EINVAL);
}
