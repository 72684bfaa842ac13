// SPDX-License-Identifier: GPL-2.0
/* The increase of counters per second. */
#include <errno.h>
#include <string.h>

#include "../../vuserctl/rate.h"
#include "../harness.h"

/* Each read of the device took 3 us. */
static void add(struct round *round, uint32_t id, const char *uuid,
		uint64_t count)
{
	static struct vnl_dev dev;

	dev.id = id;
	strcpy(dev.uuid, uuid);
	dev.counters[VNL_COUNTER_REGION_READ] = count;
	dev.latency[VNL_LATENCY_REGION_READ].nr[2] = count;
	require(!rate_add(round, &dev));
}

static uint64_t new_reads(const struct sample *sample)
{
	return sample->new_latency[VNL_LATENCY_REGION_READ].nr[2];
}

TEST(rate_is_the_increase_divided_by_the_time)
{
	struct round old = { .at = { 10, 900000000 } };
	struct round new = { .at = { 12, 400000000 } };

	add(&old, 1, "a", 100);
	add(&old, 2, "b", 1000);
	/* A device was removed before the second one moved up. */
	add(&new, 2, "b", 1003);
	rate_compute(&old, &new);
	check(new.samples[0].rates[VNL_COUNTER_REGION_READ] == 2);
	check(new.samples[0].rates[VNL_COUNTER_REGION_WRITE] == 0);
	check_eq(new_reads(&new.samples[0]), 3);
	rate_free(&old);
	rate_free(&new);
}

TEST(device_that_is_new_has_no_rate)
{
	struct round old = { .at = { 10, 0 } }, new = { .at = { 11, 0 } };

	add(&old, 1, "a", 100);
	/* The number of a device that was removed belongs to another device. */
	add(&new, 1, "c", 7);
	add(&new, 3, "d", 7);
	rate_compute(&old, &new);
	check(new.samples[0].rates[VNL_COUNTER_REGION_READ] == 0);
	check(new.samples[1].rates[VNL_COUNTER_REGION_READ] == 0);
	check_eq(new_reads(&new.samples[0]), 0);
	check_eq(new_reads(&new.samples[1]), 0);
	rate_free(&old);
	rate_free(&new);
}

TEST(device_that_was_created_again_counts_from_0)
{
	struct round old = { .at = { 10, 0 } }, new = { .at = { 11, 0 } };

	add(&old, 1, "a", 100);
	add(&new, 1, "a", 7);
	rate_compute(&old, &new);
	check(new.samples[0].rates[VNL_COUNTER_REGION_READ] == 7);
	check_eq(new_reads(&new.samples[0]), 7);
	rate_free(&old);
	rate_free(&new);
}

TEST(interval_is_a_number_above_0_and_up_to_a_day)
{
	double interval;

	check_eq(rate_interval("0.5", &interval), 0);
	check(interval == 0.5);
	check_eq(rate_interval("86400", &interval), 0);
	check_eq(rate_interval("86401", &interval), -EINVAL);
	check_eq(rate_interval("0", &interval), -EINVAL);
	check_eq(rate_interval("-1", &interval), -EINVAL);
	check_eq(rate_interval("nan", &interval), -EINVAL);
	check_eq(rate_interval("1s", &interval), -EINVAL);
	check_eq(rate_interval("", &interval), -EINVAL);
}
