// SPDX-License-Identifier: GPL-2.0
/* vuserctl stats: show the counters of a device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <getopt.h>

#include "commands.h"
#include "output.h"
#include "settings.h"
#include "target.h"

/**
 * struct stats - options of this command
 * @interval: seconds between two outputs, 0: print once
 * @count: number of outputs with @interval, 0: no limit
 */
struct stats {
	double interval;
	uint32_t count;
};

static void print_once(const struct ctl *ctl, const struct vnl_dev *dev)
{
	unsigned int i;

	if (ctl->json) {
		output_json(output_counters_json(dev), true);
		return;
	}
	for (i = 0; i < VNL_NR_COUNTERS; i++)
		printf("%-13s %llu\n", vnl_name_counter(i),
		       (unsigned long long)dev->counters[i]);
}

static void print_rates_json(const struct vnl_dev *old,
			     const struct vnl_dev *new, double seconds)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		json_object_object_add(
			object, vnl_name_counter(i),
			json_object_new_double(
				(new->counters[i] - old->counters[i]) /
				seconds));
	output_json(object, false);
}

/* Print the increase per second of each counter that has increased. */
static void print_rates(const struct ctl *ctl, const struct vnl_dev *old,
			const struct vnl_dev *new, double seconds)
{
	bool any = false;
	unsigned int i;

	if (ctl->json) {
		print_rates_json(old, new, seconds);
		return;
	}
	for (i = 0; i < VNL_NR_COUNTERS; i++) {
		if (new->counters[i] == old->counters[i])
			continue;
		printf("%s%s %.0f/s", any ? "  " : "", vnl_name_counter(i),
		       (new->counters[i] - old->counters[i]) / seconds);
		any = true;
	}
	puts(any ? "" : "-");
}

static double seconds_of(const struct timespec *from, const struct timespec *to)
{
	return to->tv_sec - from->tv_sec + (to->tv_nsec - from->tv_nsec) / 1e9;
}

static int watch(struct ctl *ctl, const struct stats *stats,
		 struct vnl_dev *old)
{
	struct timespec pause, then, now;
	struct vnl_dev new;
	uint32_t n;
	int ret;

	pause.tv_sec = stats->interval;
	pause.tv_nsec = (stats->interval - pause.tv_sec) * 1e9;
	clock_gettime(CLOCK_MONOTONIC, &then);
	for (n = 0; !stats->count || n < stats->count; n++) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		ret = vnl_dev_get(&ctl->nl, old->id, &new);
		if (ret)
			return ctl_complain("%s: %s", old->uuid,
					    vnl_sock_error(&ctl->nl, ret));
		clock_gettime(CLOCK_MONOTONIC, &now);
		print_rates(ctl, old, &new, seconds_of(&then, &now));
		if (fflush(stdout))
			return ctl_complain("cannot write: %s",
					    strerror(errno));
		*old = new;
		then = now;
	}
	return EXIT_SUCCESS;
}

/* At most one day, which certainly fits into a timespec. */
static int parse_interval(const char *arg, double *interval)
{
	char *end;

	*interval = strtod(arg, &end);
	return end == arg || *end || !(*interval > 0 && *interval <= 86400) ?
		       -EINVAL :
		       0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'n' },
		{}
	};
	struct stats stats = {};
	struct vnl_dev dev;
	int c;

	while ((c = getopt_long(argc, argv, "i:n:", longs, NULL)) != -1) {
		if (c == 'i') {
			if (parse_interval(optarg, &stats.interval))
				return ctl_complain(
					"--interval: '%s' is not a number of seconds above 0 and up to 86400",
					optarg);
		} else if (c == 'n') {
			if (settings_number(optarg, &stats.count))
				return ctl_complain(
					"--count: '%s' is not a number",
					optarg);
		} else {
			return ctl_usage(&cmd_stats);
		}
	}
	if (argc - optind != 1)
		return ctl_usage(&cmd_stats);
	if (ctl_connect(ctl) || target_find(ctl, argv[optind], &dev))
		return EXIT_FAILURE;
	if (stats.interval)
		return watch(ctl, &stats, &dev);
	print_once(ctl, &dev);
	return EXIT_SUCCESS;
}

const struct command cmd_stats = {
	.name = "stats",
	.args = "[-i SECONDS [-n COUNT]] DEVICE",
	.what = "show a device's counters, or their increase per second",
	.run = run,
};
