// SPDX-License-Identifier: GPL-2.0
/* vuserctl stats: show the counters of devices. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "output.h"
#include "rate.h"
#include "target.h"

static const struct opt options[] = {
	{ "interval", 'i', "SECONDS", false,
	  "print the increase of each counter per second, once every SECONDS" },
	{ "count", 'n', "COUNT", false,
	  "with --interval, stop after COUNT times" },
	{},
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

static int parse(struct rounds *rounds, int argc, char **argv)
{
	struct option_parser parser;
	int key, status;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key != 'i' && key != 'n')
			return ctl_usage(&cmd_stats);
		status = rate_option(rounds, key, optarg);
		if (status)
			return status;
	}
	return 0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct rounds rounds = {};
	struct targets targets;
	int status;

	status = parse(&rounds, argc, argv);
	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + optind, argc - optind, &targets);
	if (!status && rounds.interval)
		status = print_rounds(ctl, &rounds, &targets, optind == argc);
	else if (!status)
		print_once(ctl, &targets);
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
