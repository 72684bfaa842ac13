// SPDX-License-Identifier: GPL-2.0
/* A device's counters, as `vuserctl stats` and `vuserctl show` print them. */
#include <linux/vfio.h>
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

/* Names --------------------------------------------------------------------- */

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	require(json_object_object_get_ex(object, key, &value));
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
}

static struct vnl_dev described;

/* A device that has one of everything. */
static struct json_object *described_json(void)
{
	memset(&described, 0, sizeof(described));
	described.state = VUSER_STATE_ATTACHED;
	described.server_user = VUSER_SERVER_USER_ANY;
	described.has_server = true;
	described.attached = true;
	described.whole = true;
	described.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	described.nr_regions = 10;
	described.regions[0].size = 4096;
	described.regions[0].flags = VFIO_REGION_INFO_FLAG_READ |
				     VFIO_REGION_INFO_FLAG_WRITE |
				     VFIO_REGION_INFO_FLAG_MMAP;
	described.regions[9].size = 1;
	described.nr_irqs = 3;
	described.irqs[2].count = 8;
	described.irqs[2].flags = VFIO_IRQ_INFO_EVENTFD |
				  VFIO_IRQ_INFO_NORESIZE;
	return output_dev_json(&described);
}

TEST(numbers_of_a_device_have_names_beside_them)
{
	struct json_object *object = described_json();

	check(!strcmp(text_of(object, "state"), "\"attached\""));
	check(!strcmp(text_of(object, "state-number"), "1"));
	check(!strcmp(text_of(object, "flags"), "3"));
	check(!strcmp(text_of(object, "flag-names"), "[\"reset\",\"pci\"]"));
	check(!strcmp(text_of(object, "server-uid"), "0"));
	check(!strcmp(text_of(object, "server-uid-name"), "\"root\""));
	json_object_put(object);
}

TEST(numbers_of_regions_and_interrupts_have_names_beside_them)
{
	struct json_object *object = described_json(), *array, *part;

	require(json_object_object_get_ex(object, "region", &array));
	part = json_object_array_get_idx(array, 0);
	check(!strcmp(text_of(part, "name"), "\"bar0\""));
	check(!strcmp(text_of(part, "flag-names"),
		      "[\"read\",\"write\",\"mmap\"]"));
	part = json_object_array_get_idx(array, 1);
	check(!strcmp(text_of(part, "name"), "\"device-specific\""));
	require(json_object_object_get_ex(object, "irq", &array));
	part = json_object_array_get_idx(array, 0);
	check(!strcmp(text_of(part, "name"), "\"MSI-X\""));
	check(!strcmp(text_of(part, "flag-names"),
		      "[\"eventfd\",\"noresize\"]"));
	json_object_put(object);
}

TEST(device_shows_the_result_of_the_last_replacement_of_its_server)
{
	struct vnl_dev *dev = &described;
	struct json_object *object = described_json(), *value;

	/* Without CAP_SYS_ADMIN, the kernel does not tell. */
	check(!json_object_object_get_ex(object, "replacing", &value));
	json_object_put(object);
	dev->full = true;
	dev->replacing = VUSER_REPLACING_DONE;
	dev->replace_pause_us = 1234;
	object = output_dev_json(dev);
	check(!strcmp(text_of(object, "replacing"), "\"done\""));
	check(!strcmp(text_of(object, "replace-pause-us"), "1234"));
	check(!json_object_object_get_ex(object, "replace-error", &value));
	json_object_put(object);
	dev->replacing = VUSER_REPLACING_FAILED;
	strcpy(dev->replace_error, "why");
	object = output_dev_json(dev);
	check(!strcmp(text_of(object, "replacing"), "\"failed\""));
	check(!strcmp(text_of(object, "replace-error"), "\"why\""));
	check(!json_object_object_get_ex(object, "replace-pause-us", &value));
	json_object_put(object);
}

TEST(device_that_cannot_be_used_has_a_reason)
{
	struct vnl_dev *dev = &described;

	memset(dev, 0, sizeof(*dev));
	check(strstr(output_reason(dev), "start vuserd"));
	dev->owner = 1;
	check(strstr(output_reason(dev), "as root"));
	dev->full = true;
	check(strstr(output_reason(dev), "--endpoint"));
	strcpy(dev->error, "this is why");
	check(!strcmp(output_reason(dev), "this is why"));
	dev->state = VUSER_STATE_LOST;
	dev->error[0] = '\0';
	check(strstr(output_reason(dev), "start it again"));
	dev->state = VUSER_STATE_OPEN;
	check(!output_reason(dev));
}
