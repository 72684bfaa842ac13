// SPDX-License-Identifier: GPL-2.0
/* vuserctl stats: show the counters and the histograms of devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "latency.h"
#include "output.h"
#include "rate.h"
#include "table.h"
#include "target.h"

enum {
	OPT_HISTOGRAM = 512,
};

/* The options of the user. @histogram: print buckets instead of counters. */
struct wish {
	struct rounds rounds;
	bool histogram;
};

static const struct opt options[] = {
	{ "interval", 'i', "SECONDS", false,
	  "print the increase of each counter per second, once every SECONDS" },
	{ "count", 'n', "COUNT", false,
	  "with --interval, stop after COUNT times" },
	{ "histogram", OPT_HISTOGRAM, NULL, false,
	  "print how many commands the server answered in which time" },
	{},
};

static struct json_object *with_name(const char *uuid, const char *pci_address,
				     const char *key, struct json_object *value)
{
	struct json_object *object = json_object_new_object();

	output_add_string(object, "uuid", uuid);
	output_add_string(object, "pci-address", pci_address);
	json_object_object_add(object, key, value);
	return object;
}

static struct json_object *add_latency(struct json_object *object,
				       const struct vnl_dev *dev)
{
	json_object_object_add(object, "latency", latency_json(dev->latency));
	return object;
}

static struct json_object *dev_json(const struct vnl_dev *dev)
{
	return add_latency(output_counters_json(dev), dev);
}

static struct json_object *named_dev_json(const struct vnl_dev *dev)
{
	return add_latency(with_name(dev->uuid, dev->pci_address, "counters",
				     output_counters_json(dev)),
			   dev);
}

static void print_counters(const struct vnl_dev *dev)
{
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		printf("%-13s %llu\n", vnl_name_counter(i),
		       (unsigned long long)dev->counters[i]);
}

/*
 * The command comes last: lines that begin with its name are counters, which scripts look
 * for by their names.
 */
static int add_percentiles(struct libscols_table *table, const char *name,
			   const struct vnl_histogram *histogram)
{
	static const unsigned int percents[] = { 50, 90, 99, 100 };
	char text[5][LATENCY_TEXT];
	const char *cells[] = { text[0], text[1], text[2],
				text[3], text[4], name };
	int i;

	snprintf(text[0], sizeof(text[0]), "%llu",
		 (unsigned long long)latency_count(histogram));
	for (i = 0; i < 4; i++)
		latency_limit_text(latency_percentile(histogram, percents[i]),
				   text[1 + i]);
	return table_add(table, cells);
}

/* A row for each command that was answered; no table if there is none. */
static int print_percentiles(const struct vnl_dev *dev)
{
	static const struct table_column columns[] = {
		{ .title = "REPLIES", .right = true },
		{ .title = "P50", .right = true },
		{ .title = "P90", .right = true },
		{ .title = "P99", .right = true },
		{ .title = "MAX", .right = true },
		{ .title = "COMMAND" },
	};
	struct libscols_table *table = table_new(columns, 6, true);
	int i, ret = table ? 0 : -ENOMEM;

	for (i = 0; i < VNL_NR_LATENCIES && !ret; i++)
		if (latency_count(&dev->latency[i]))
			ret = add_percentiles(table, vnl_name_latency(i),
					      &dev->latency[i]);
	if (table)
		table_print(table);
	return ret;
}

static int add_bucket(struct libscols_table *table, const char *name,
		      unsigned int bucket, uint64_t count)
{
	uint64_t below = latency_below(bucket);
	char from[LATENCY_TEXT], to[LATENCY_TEXT], text[32];
	const char *cells[] = {
		name, latency_text(latency_from(bucket), from),
		below == LATENCY_UNLIMITED ? "-" : latency_text(below, to), text
	};

	snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
	return table_add(table, cells);
}

/* A row for each bucket that is not empty. */
static int print_histograms(const struct vnl_dev *dev)
{
	static const struct table_column columns[] = {
		{ .title = "COMMAND" },
		{ .title = "FROM", .right = true },
		{ .title = "BELOW", .right = true },
		{ .title = "REPLIES", .right = true },
	};
	struct libscols_table *table = table_new(columns, 4, true);
	int i, bucket, ret = table ? 0 : -ENOMEM;
	uint64_t count;

	for (i = 0; i < VNL_NR_LATENCIES; i++)
		for (bucket = 0; bucket < VUSER_LATENCY_BUCKETS && !ret;
		     bucket++) {
			count = dev->latency[i].nr[bucket];
			if (count)
				ret = add_bucket(table, vnl_name_latency(i),
						 bucket, count);
		}
	if (table)
		table_print(table);
	return ret;
}

static int print_dev(const struct vnl_dev *dev, bool histogram)
{
	if (histogram)
		return print_histograms(dev);
	print_counters(dev);
	return print_percentiles(dev);
}

/* One device has its numbers only, several have their names, too. */
static int print_once(const struct ctl *ctl, const struct targets *targets,
		      bool histogram)
{
	const struct vnl_dev *dev = targets->devs;
	int ret = 0;
	size_t i;

	if (ctl->json) {
		output_targets_json(targets, targets->single ? dev_json :
							       named_dev_json);
		return 0;
	}
	for (i = 0; i < targets->nr && !ret; i++, dev++) {
		if (!targets->single)
			printf("%suuid: %s\npci-address: %s\n", i ? "\n" : "",
			       dev->uuid, dev->pci_address);
		ret = print_dev(dev, histogram);
	}
	return ret ? ctl_fail(EX_OSERR, "out of memory") : 0;
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

/* @data: struct targets, the devices that the user named */
static int print_round(struct ctl *ctl, void *data, struct round *round)
{
	const struct sample *sample = round->samples;
	const struct targets *targets = data;
	struct json_object *object;
	size_t i;

	for (i = 0; i < round->nr; i++, sample++) {
		if (ctl->json) {
			object = output_rates_json(sample->rates);
			if (!targets->single)
				object = with_name(sample->uuid,
						   sample->pci_address, "rates",
						   object);
			output_json(object, false);
			continue;
		}
		if (!targets->single)
			printf("%s  ", sample->pci_address);
		print_rates(sample);
	}
	return 0;
}

/* Print rates of @targets, or of @all devices, as long as the user wants. */
static int print_rounds(struct ctl *ctl, struct rounds *rounds,
			struct targets *targets, bool all)
{
	uint32_t *ids = NULL;
	size_t i;
	int status;

	if (!all) {
		ids = calloc(targets->nr, sizeof(*ids));
		if (!ids)
			return ctl_fail(EX_OSERR, "out of memory");
		for (i = 0; i < targets->nr; i++)
			ids[i] = targets->devs[i].id;
		rounds->nr = targets->nr;
	}
	rounds->ids = ids;
	rounds->print = print_round;
	rounds->data = targets;
	status = rate_print(ctl, rounds);
	free(ids);
	return status;
}

static int parse(struct wish *wish, int argc, char **argv)
{
	struct option_parser parser;
	int key, status;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key == OPT_HISTOGRAM) {
			wish->histogram = true;
			continue;
		}
		if (key != 'i' && key != 'n')
			return ctl_usage(&cmd_stats);
		status = rate_option(&wish->rounds, key, optarg);
		if (status)
			return status;
	}
	if (wish->histogram && wish->rounds.interval)
		return ctl_fail(
			EX_USAGE,
			"--histogram and --interval exclude each other");
	return 0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct wish wish = {};
	struct targets targets;
	int status;

	status = parse(&wish, argc, argv);
	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + optind, argc - optind, &targets);
	if (!status && wish.rounds.interval)
		status = print_rounds(ctl, &wish.rounds, &targets,
				      optind == argc);
	else if (!status)
		status = print_once(ctl, &targets, wish.histogram);
	target_free(&targets);
	return status;
}

const struct command cmd_stats = {
	.name = "stats",
	.operands = "[DEVICE]...",
	.operand = CTL_DEVICES,
	.options = options,
	.what = "show the counters of devices, or their increase per second, and how fast servers answer",
	.run = run,
};
