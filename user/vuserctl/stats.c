// SPDX-License-Identifier: GPL-2.0
/* vuserctl stats: show the counters of devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "output.h"
#include "rate.h"
#include "settings.h"
#include "target.h"

static const struct opt options[] = {
	{ "interval", 'i', "SECONDS", false,
	  "print the increase of each counter per second, once every SECONDS" },
	{ "count", 'n', "COUNT", false,
	  "with --interval, stop after COUNT times" },
	{},
};

/**
 * struct stats - a run of this command
 * @interval: seconds between two outputs, 0: print once
 * @count: number of outputs with @interval, 0: no limit
 * @single: the user named one device
 * @ids: numbers of the devices that the user named
 * @nr: number of @ids, 0: all devices
 */
struct stats {
	double interval;
	uint32_t count;
	bool single;
	uint32_t *ids;
	size_t nr;
};

static struct json_object *with_name(const char *uuid, const char *pci_address,
				     const char *key, struct json_object *value)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "uuid", json_object_new_string(uuid));
	json_object_object_add(object, "pci-address",
			       json_object_new_string(pci_address));
	json_object_object_add(object, key, value);
	return object;
}

static struct json_object *named_counters(const struct vnl_dev *dev)
{
	return with_name(dev->uuid, dev->pci_address, "counters",
			 output_counters_json(dev));
}

static void print_counters(const struct vnl_dev *dev)
{
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		printf("%-13s %llu\n", vnl_name_counter(i),
		       (unsigned long long)dev->counters[i]);
}

/* One device has its counters only, several have their names, too. */
static void print_once(const struct ctl *ctl, const struct targets *targets)
{
	const struct vnl_dev *dev = targets->devs;
	size_t i;

	if (ctl->json) {
		output_targets_json(targets, targets->single ?
						     output_counters_json :
						     named_counters);
		return;
	}
	for (i = 0; i < targets->nr; i++, dev++) {
		if (!targets->single)
			printf("%suuid: %s\npci-address: %s\n", i ? "\n" : "",
			       dev->uuid, dev->pci_address);
		print_counters(dev);
	}
}

static struct json_object *rates_json(const struct sample *sample)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		json_object_object_add(
			object, vnl_name_counter(i),
			json_object_new_double(sample->rates[i]));
	return object;
}

/* Print the increase per second of each counter that has increased. */
static void print_rates(const struct sample *sample)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++) {
		if (!sample->rates[i])
			continue;
		printf("%s%s %.0f/s", any ? "  " : "", vnl_name_counter(i),
		       sample->rates[i]);
		any = true;
	}
	puts(any ? "" : "-");
}

static void print_round(const struct ctl *ctl, const struct stats *stats,
			const struct round *round)
{
	const struct sample *sample = round->samples;
	struct json_object *object;
	size_t i;

	for (i = 0; i < round->nr; i++, sample++) {
		if (ctl->json) {
			object = rates_json(sample);
			if (!stats->single)
				object = with_name(sample->uuid,
						   sample->pci_address, "rates",
						   object);
			output_json(object, false);
			continue;
		}
		if (!stats->single)
			printf("%s  ", sample->pci_address);
		print_rates(sample);
	}
}

static int watch(struct ctl *ctl, const struct stats *stats)
{
	struct round old, new;
	uint32_t n;
	int status = rate_read(ctl, stats->ids, stats->nr, &old);

	for (n = 0; !status && (!stats->count || n < stats->count); n++) {
		rate_wait(stats->interval);
		status = rate_read(ctl, stats->ids, stats->nr, &new);
		if (!status) {
			rate_compute(&old, &new);
			print_round(ctl, stats, &new);
			if (fflush(stdout))
				status = ctl_fail(EX_IOERR, "cannot write: %s",
						  strerror(errno));
		}
		rate_free(&old);
		old = new;
	}
	rate_free(&old);
	return status;
}

static int parse(struct stats *stats, int argc, char **argv)
{
	struct option_parser parser;
	int key;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key == 'i') {
			if (rate_interval(optarg, &stats->interval))
				return ctl_fail(
					EX_USAGE,
					"--interval: '%s' is not a number of seconds above 0 and up to 86400",
					optarg);
		} else if (key == 'n') {
			if (settings_number(optarg, &stats->count))
				return ctl_fail(EX_USAGE,
						"--count: '%s' is not a number",
						optarg);
		} else {
			return ctl_usage(&cmd_stats);
		}
	}
	return 0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct stats stats = {};
	struct targets targets;
	int status;

	status = parse(&stats, argc, argv);
	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + optind, argc - optind, &targets);
	stats.single = targets.single;
	if (!status && optind < argc) {
		stats.ids = calloc(targets.nr, sizeof(*stats.ids));
		if (!stats.ids)
			status = ctl_fail(EX_OSERR, "out of memory");
		for (; stats.nr < targets.nr && stats.ids; stats.nr++)
			stats.ids[stats.nr] = targets.devs[stats.nr].id;
	}
	if (!status && stats.interval)
		status = watch(ctl, &stats);
	else if (!status)
		print_once(ctl, &targets);
	free(stats.ids);
	target_free(&targets);
	return status;
}

const struct command cmd_stats = {
	.name = "stats",
	.operands = "[DEVICE]...",
	.operand = CTL_DEVICES,
	.options = options,
	.what = "show the counters of devices, or their increase per second",
	.run = run,
};
