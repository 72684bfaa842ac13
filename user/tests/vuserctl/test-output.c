// SPDX-License-Identifier: GPL-2.0
/* A device's counters, as `vuserctl stats` and `vuserctl show` print them. */
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <string.h>

#include "../../vuserctl/output.h"
#include "../harness.h"

/* All attributes of the nest except the padding, which is the last one. */
#define NR_ATTRS (VUSER_A_COUNTERS_MAX - 1)

/* A device as the kernel sends it: the counter of attribute N is 100 + N. */
static struct nl_msg *counted_device(void)
{
	static const uint8_t uuid[VUSER_UUID_LEN];
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *nest;
	int attr;

	require(msg);
	genlmsg_put(msg, 0, 0, 0, 0, 0, VUSER_CMD_DEV_GET, 1);
	nla_put_u32(msg, VUSER_A_DEV_ID, 1);
	nla_put(msg, VUSER_A_DEV_UUID, sizeof(uuid), uuid);
	nest = nla_nest_start(msg, VUSER_A_DEV_COUNTERS);
	for (attr = 1; attr <= NR_ATTRS; attr++)
		nla_put_u64(msg, attr, 100 + attr);
	nla_nest_end(msg, nest);
	return msg;
}

static struct json_object *counters(void)
{
	struct nl_msg *msg = counted_device();
	struct vnl_msg event = { .hdr = nlmsg_hdr(msg) };
	static struct vnl_dev dev;

	require(!vnl_dev_parse(&event, &dev));
	nlmsg_free(msg);
	return output_counters_json(&dev);
}

TEST(each_counter_is_printed_once_by_its_name)
{
	struct json_object *object = counters();
	int nr = 0;

	json_object_object_foreach(object, name, value) {
		nr++;
		check(strcmp(name, "?") && strcmp(name, "unknown"));
		check_eq(json_object_get_int64(value), 100 + nr);
	}
	check_eq(nr, NR_ATTRS);
	json_object_put(object);
}

TEST(first_and_last_counter_have_their_own_values)
{
	struct json_object *object = counters(), *value;

	require(json_object_object_get_ex(object, "region-read", &value));
	check_eq(json_object_get_int64(value),
		 100 + VUSER_A_COUNTERS_REGION_READ);
	require(json_object_object_get_ex(object, "unsent", &value));
	check_eq(json_object_get_int64(value), 100 + VUSER_A_COUNTERS_UNSENT);
	json_object_put(object);
}
