// SPDX-License-Identifier: GPL-2.0
/* Histograms of the time that servers take to answer, and their percentiles. */
#include <stdio.h>

#include "latency.h"
#include "output.h"

#define LAST (VUSER_LATENCY_BUCKETS - 1)

uint64_t latency_from(unsigned int bucket)
{
	return bucket ? 1ULL << (VUSER_LATENCY_SHIFT + bucket - 1) : 0;
}

uint64_t latency_below(unsigned int bucket)
{
	return bucket < LAST ? latency_from(bucket + 1) : LATENCY_UNLIMITED;
}

uint64_t latency_count(const struct vnl_histogram *histogram)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < VUSER_LATENCY_BUCKETS; i++)
		count += histogram->nr[i];
	return count;
}

uint64_t latency_percentile(const struct vnl_histogram *histogram,
			    unsigned int percent)
{
	uint64_t count = latency_count(histogram);
	/* The share of the replies, rounded up; the product could overflow. */
	uint64_t rank =
		count / 100 * percent + (count % 100 * percent + 99) / 100;
	unsigned int i;

	for (i = 0; i < LAST; i++) {
		if (histogram->nr[i] >= rank)
			break;
		rank -= histogram->nr[i];
	}
	return latency_below(i);
}

void latency_add(struct vnl_histogram *sum, const struct vnl_histogram *from)
{
	unsigned int i;

	for (i = 0; i < VUSER_LATENCY_BUCKETS; i++)
		sum->nr[i] += from->nr[i];
}

void latency_increase(struct vnl_histogram *increase,
		      const struct vnl_histogram *now,
		      const struct vnl_histogram *before)
{
	unsigned int i;

	*increase = *now;
	for (i = 0; i < VUSER_LATENCY_BUCKETS; i++)
		if (now->nr[i] < before->nr[i])
			return;
	for (i = 0; i < VUSER_LATENCY_BUCKETS; i++)
		increase->nr[i] -= before->nr[i];
}

static const char *print(char text[LATENCY_TEXT], const char *prefix,
			 uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = ns;
	int unit = 0;

	for (; value >= 1000 && unit < 3; unit++)
		value /= 1000;
	snprintf(text, LATENCY_TEXT, "%s%.3g%s", prefix, value, units[unit]);
	return text;
}

const char *latency_text(uint64_t ns, char text[LATENCY_TEXT])
{
	return print(text, "", ns);
}

const char *latency_limit_text(uint64_t below, char text[LATENCY_TEXT])
{
	if (below == LATENCY_UNLIMITED)
		return print(text, ">", latency_from(LAST));
	return print(text, "<", below);
}

/* Add a limit in nanoseconds, which may be LATENCY_UNLIMITED. */
static void add_limit(struct json_object *object, const char *key,
		      uint64_t below)
{
	if (below == LATENCY_UNLIMITED)
		json_object_object_add(object, key, NULL);
	else
		output_add_int(object, key, below);
}

static struct json_object *buckets_json(const struct vnl_histogram *histogram)
{
	struct json_object *array = json_object_new_array();
	struct json_object *object;
	unsigned int i;

	for (i = 0; i < VUSER_LATENCY_BUCKETS; i++) {
		if (!histogram->nr[i])
			continue;
		object = json_object_new_object();
		output_add_int(object, "from-ns", latency_from(i));
		add_limit(object, "below-ns", latency_below(i));
		output_add_int(object, "count", histogram->nr[i]);
		json_object_array_add(array, object);
	}
	return array;
}

struct json_object *
latency_json(const struct vnl_histogram latency[VNL_NR_LATENCIES])
{
	struct json_object *array = json_object_new_array();
	const struct vnl_histogram *histogram = latency;
	struct json_object *object;
	int i;

	for (i = 0; i < VNL_NR_LATENCIES; i++, histogram++) {
		if (!latency_count(histogram))
			continue;
		object = json_object_new_object();
		output_add_string(object, "command", vnl_name_latency(i));
		output_add_int(object, "count", latency_count(histogram));
		add_limit(object, "p50-below-ns",
			  latency_percentile(histogram, 50));
		add_limit(object, "p90-below-ns",
			  latency_percentile(histogram, 90));
		add_limit(object, "p99-below-ns",
			  latency_percentile(histogram, 99));
		add_limit(object, "max-below-ns",
			  latency_percentile(histogram, 100));
		json_object_object_add(object, "buckets",
				       buckets_json(histogram));
		json_object_array_add(array, object);
	}
	return array;
}
