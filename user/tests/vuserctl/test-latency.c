// SPDX-License-Identifier: GPL-2.0
/* Histograms: what the kernel sends, percentiles, text and JSON. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <string.h>

#include "../../vuserctl/latency.h"
#include "../harness.h"

#define LAST (VUSER_LATENCY_BUCKETS - 1)

#define check_str(got, want) check(!strcmp(got, want))

/* Buckets ------------------------------------------------------------------- */

TEST(buckets_are_powers_of_two_without_gaps)
{
	unsigned int i;

	check_eq(latency_from(0), 0);
	check_eq(latency_below(0), 1024);
	check_eq(latency_below(1), 2048);
	for (i = 1; i < VUSER_LATENCY_BUCKETS; i++)
		check_eq(latency_from(i), latency_below(i - 1));
	check(latency_below(LAST) == LATENCY_UNLIMITED);
	/* The last bucket begins after a minute: no time-out is that long by default. */
	check(latency_from(LAST) > 60ULL * 1000000000);
}

/* Percentiles --------------------------------------------------------------- */

TEST(percentile_is_the_limit_of_the_bucket_that_counts_it)
{
	struct vnl_histogram histogram = {
		.nr = { [1] = 50, [2] = 40, [3] = 9, [10] = 1 }
	};

	check_eq(latency_count(&histogram), 100);
	check_eq(latency_percentile(&histogram, 1), latency_below(1));
	check_eq(latency_percentile(&histogram, 50), latency_below(1));
	check_eq(latency_percentile(&histogram, 51), latency_below(2));
	check_eq(latency_percentile(&histogram, 90), latency_below(2));
	check_eq(latency_percentile(&histogram, 91), latency_below(3));
	check_eq(latency_percentile(&histogram, 99), latency_below(3));
	check_eq(latency_percentile(&histogram, 100), latency_below(10));
}

TEST(percentile_of_few_replies_counts_whole_replies)
{
	struct vnl_histogram one = { .nr = { [5] = 1 } };
	struct vnl_histogram two = { .nr = { [0] = 1, [5] = 1 } };
	struct vnl_histogram three = { .nr = { [0] = 1, [5] = 1, [6] = 1 } };

	check_eq(latency_percentile(&one, 50), latency_below(5));
	check_eq(latency_percentile(&one, 99), latency_below(5));
	check_eq(latency_percentile(&two, 50), latency_below(0));
	check_eq(latency_percentile(&two, 51), latency_below(5));
	check_eq(latency_percentile(&three, 50), latency_below(5));
	check_eq(latency_percentile(&three, 99), latency_below(6));
}

TEST(percentile_in_the_last_bucket_is_unlimited)
{
	struct vnl_histogram histogram = { .nr = { [0] = 98, [LAST] = 2 } };

	check_eq(latency_percentile(&histogram, 90), latency_below(0));
	check(latency_percentile(&histogram, 99) == LATENCY_UNLIMITED);
}

TEST(percentile_of_very_many_replies_does_not_overflow)
{
	struct vnl_histogram histogram = {
		.nr = { [0] = UINT64_MAX / 2, [1] = UINT64_MAX / 4 }
	};

	check_eq(latency_percentile(&histogram, 50), latency_below(0));
	check_eq(latency_percentile(&histogram, 66), latency_below(0));
	check_eq(latency_percentile(&histogram, 67), latency_below(1));
	check_eq(latency_percentile(&histogram, 99), latency_below(1));
}

TEST(increase_is_what_the_histogram_before_lacks)
{
	struct vnl_histogram before = { .nr = { [1] = 10, [2] = 5 } };
	struct vnl_histogram now = { .nr = { [1] = 10, [2] = 7, [9] = 1 } };
	struct vnl_histogram increase;

	latency_increase(&increase, &now, &before);
	check_eq(increase.nr[1], 0);
	check_eq(increase.nr[2], 2);
	check_eq(increase.nr[9], 1);
	/* A device that was created again. */
	latency_increase(&increase, &before, &now);
	check(!memcmp(&increase, &before, sizeof(before)));
}

/* Text ---------------------------------------------------------------------- */

TEST(times_are_printed_with_three_digits_and_a_unit)
{
	char text[LATENCY_TEXT];

	check_str(latency_text(0, text), "0ns");
	check_str(latency_text(1024, text), "1.02us");
	check_str(latency_text(1 << 20, text), "1.05ms");
	check_str(latency_text(1ULL << 36, text), "68.7s");
	check_str(latency_limit_text(1 << 19, text), "<524us");
	check_str(latency_limit_text(LATENCY_UNLIMITED, text), ">68.7s");
}

/* Messages ------------------------------------------------------------------ */

static void put_histogram(struct nl_msg *msg, uint32_t command,
			  const uint64_t *nr, int count)
{
	struct nlattr *nest = nla_nest_start(msg, VUSER_A_DEV_LATENCY);

	nla_put_u32(msg, VUSER_A_LATENCY_COMMAND, command);
	nla_put(msg, VUSER_A_LATENCY_BUCKETS, count * sizeof(*nr), nr);
	nla_nest_end(msg, nest);
}

static struct nl_msg *new_device(void)
{
	static const uint8_t uuid[VUSER_UUID_LEN];
	struct nl_msg *msg = nlmsg_alloc();

	require(msg);
	genlmsg_put(msg, 0, 0, 0, 0, 0, VUSER_CMD_DEV_GET, 1);
	nla_put_u32(msg, VUSER_A_DEV_ID, 1);
	nla_put(msg, VUSER_A_DEV_UUID, sizeof(uuid), uuid);
	return msg;
}

/* Parse a message and free it; returns what vnl_dev_parse() does. */
static int parse(struct nl_msg *msg, struct vnl_dev *dev)
{
	struct vnl_msg event = { .hdr = nlmsg_hdr(msg) };
	int ret = vnl_dev_parse(&event, dev);

	nlmsg_free(msg);
	return ret;
}

TEST(histograms_are_read_by_their_commands)
{
	static const uint64_t reads[VUSER_LATENCY_BUCKETS] = { 1, 2 };
	static const uint64_t resets[VUSER_LATENCY_BUCKETS] = { [LAST] = 3 };
	struct nl_msg *msg = new_device();
	static struct vnl_dev dev;

	put_histogram(msg, VFIO_USER_DEVICE_RESET, resets,
		      VUSER_LATENCY_BUCKETS);
	put_histogram(msg, VFIO_USER_REGION_READ, reads, VUSER_LATENCY_BUCKETS);
	require(!parse(msg, &dev));
	check_eq(dev.latency[VNL_LATENCY_REGION_READ].nr[1], 2);
	check_eq(latency_count(&dev.latency[VNL_LATENCY_REGION_READ]), 3);
	check_eq(dev.latency[VNL_LATENCY_DEVICE_RESET].nr[LAST], 3);
	check_eq(latency_count(&dev.latency[VNL_LATENCY_REGION_WRITE]), 0);
}

TEST(kernel_with_more_buckets_and_commands_is_understood)
{
	static const uint64_t nr[VUSER_LATENCY_BUCKETS + 2] = {
		[LAST] = 1, [LAST + 1] = 2, [LAST + 2] = 4
	};
	struct nl_msg *msg = new_device();
	static struct vnl_dev dev;

	put_histogram(msg, 0x7fff, nr, VUSER_LATENCY_BUCKETS);
	put_histogram(msg, VFIO_USER_REGION_WRITE, nr,
		      VUSER_LATENCY_BUCKETS + 2);
	require(!parse(msg, &dev));
	check_eq(dev.latency[VNL_LATENCY_REGION_WRITE].nr[LAST], 7);
}

TEST(kernel_without_histograms_gives_none)
{
	static struct vnl_dev dev;
	struct json_object *array;

	require(!parse(new_device(), &dev));
	array = latency_json(dev.latency);
	check_eq(json_object_array_length(array), 0);
	json_object_put(array);
}

TEST(histogram_without_a_command_is_a_bad_message)
{
	static const uint64_t nr[VUSER_LATENCY_BUCKETS];
	struct nl_msg *msg = new_device();
	struct nlattr *nest = nla_nest_start(msg, VUSER_A_DEV_LATENCY);
	static struct vnl_dev dev;

	nla_put(msg, VUSER_A_LATENCY_BUCKETS, sizeof(nr), nr);
	nla_nest_end(msg, nest);
	check_eq(parse(msg, &dev), -EBADMSG);
}

/* JSON ---------------------------------------------------------------------- */

TEST(json_has_all_numbers_with_their_units)
{
	static const char *const expected =
		"[{\"command\":\"region-read\",\"count\":4,"
		"\"p50-below-ns\":2048,\"p90-below-ns\":null,"
		"\"p99-below-ns\":null,\"max-below-ns\":null,"
		"\"buckets\":[{\"from-ns\":1024,\"below-ns\":2048,\"count\":3},"
		"{\"from-ns\":68719476736,\"below-ns\":null,\"count\":1}]}]";
	struct vnl_histogram latency[VNL_NR_LATENCIES] = {
		[VNL_LATENCY_REGION_READ].nr = { [1] = 3, [LAST] = 1 },
	};
	struct json_object *array = latency_json(latency);

	check_str(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN),
		  expected);
	json_object_put(array);
}
