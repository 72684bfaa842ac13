/* SPDX-License-Identifier: GPL-2.0 */
/* Histograms of the time that servers take to answer, and their percentiles. */
#ifndef VUSERCTL_LATENCY_H
#define VUSERCTL_LATENCY_H

#include <json-c/json.h>
#include <stddef.h>

#include "../netlink/dev.h"

/* The limit of the last bucket, which has none. */
#define LATENCY_UNLIMITED UINT64_MAX

/* Size of a buffer for latency_text(). */
#define LATENCY_TEXT 32

/* The shortest time that bucket @bucket counts, nanoseconds. */
uint64_t latency_from(unsigned int bucket);

/* All times that bucket @bucket counts are shorter, nanoseconds; or LATENCY_UNLIMITED. */
uint64_t latency_below(unsigned int bucket);

/* The number of replies in a histogram. */
uint64_t latency_count(const struct vnl_histogram *histogram);

/**
 * latency_percentile - the time in which a server answered a share of the commands
 * @histogram: a histogram with one reply at least
 * @percent: the share, above 0 and up to 100; 100 gives the longest time
 *
 * Return: a limit that the times of this share are below, nanoseconds: that of the bucket
 * which counts the last of them; or LATENCY_UNLIMITED.
 */
uint64_t latency_percentile(const struct vnl_histogram *histogram,
			    unsigned int percent);

/* Add the replies of @from to @sum. */
void latency_add(struct vnl_histogram *sum, const struct vnl_histogram *from);

/*
 * Set @increase to the replies in @now that are not in @before.  If @now has fewer replies
 * in a bucket, both belong to different devices, and @increase is @now.
 */
void latency_increase(struct vnl_histogram *increase,
		      const struct vnl_histogram *now,
		      const struct vnl_histogram *before);

/* Write a limit as text, such as "<2.05us", ">68.7s" for LATENCY_UNLIMITED. */
const char *latency_limit_text(uint64_t below, char text[LATENCY_TEXT]);

/* Write a time as text with its unit, such as "2.05us". */
const char *latency_text(uint64_t ns, char text[LATENCY_TEXT]);

/*
 * The histograms of a device as JSON: an array with an object for each command that was
 * answered.  Where a time has no limit, its value is null.
 */
struct json_object *
latency_json(const struct vnl_histogram latency[VNL_NR_LATENCIES]);

#endif /* VUSERCTL_LATENCY_H */
