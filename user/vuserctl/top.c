// SPDX-License-Identifier: GPL-2.0
/* vuserctl top: the busiest devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "latency.h"
#include "output.h"
#include "rate.h"
#include "table.h"

enum {
	OPT_ONCE = 512,
};

static const struct opt options[] = {
	{ "interval", 'i', "SECONDS", false,
	  "time between two rounds; 1 second by default" },
	{ "count", 'n', "COUNT", false, "stop after COUNT rounds" },
	{ "once", OPT_ONCE, NULL, false, "stop after one round" },
	{},
};

/* A column is the sum of some counters. */
struct sum {
	const char *title;
	int nr;
	enum vnl_counter counters[3];
};

static const struct sum sums[] = {
	{ "READ/s", 1, { VNL_COUNTER_REGION_READ } },
	{ "WRITE/s", 2, { VNL_COUNTER_REGION_WRITE, VNL_COUNTER_POSTED_WRITE } },
	{ "TRAP/s",
	  3,
	  { VNL_COUNTER_TRAP_LOAD, VNL_COUNTER_TRAP_STORE,
	    VNL_COUNTER_TRAP_REFUSED } },
	{ "DMA READ/s", 1, { VNL_COUNTER_DMA_READ } },
	{ "DMA WRITE/s", 1, { VNL_COUNTER_DMA_WRITE } },
	{ "DMA MAP/s", 2, { VNL_COUNTER_DMA_MAP, VNL_COUNTER_DMA_UNMAP } },
	{ "ERROR/s", 2, { VNL_COUNTER_POSTED_ERROR, VNL_COUNTER_UNSENT } },
};

#define NR_SUMS	   ((int)(sizeof(sums) / sizeof(sums[0])))
#define NR_COLUMNS (NR_SUMS + 5)

static double sum_of(const struct sample *sample, const struct sum *sum)
{
	double value = 0;
	int i;

	for (i = 0; i < sum->nr; i++)
		value += sample->rates[sum->counters[i]];
	return value;
}

static double total_of(const struct sample *sample)
{
	double value = 0;
	int i;

	for (i = 0; i < NR_SUMS; i++)
		value += sum_of(sample, &sums[i]);
	return value;
}

/* The busiest device first; idle devices by address. */
static int compare(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;
	double difference = total_of(right) - total_of(left);

	if (difference)
		return difference > 0 ? 1 : -1;
	return strcmp(left->pci_address, right->pci_address);
}

static struct libscols_table *new_table(void)
{
	struct table_column columns[NR_COLUMNS] = {
		{ .title = "PCI ADDRESS" },
		{ .title = "STATE" },
	};
	int i;

	for (i = 0; i < NR_SUMS; i++) {
		columns[2 + i].title = sums[i].title;
		columns[2 + i].right = true;
	}
	columns[2 + NR_SUMS] =
		(struct table_column) { .title = "P50", .right = true };
	columns[3 + NR_SUMS] =
		(struct table_column) { .title = "P99", .right = true };
	columns[4 + NR_SUMS] =
		(struct table_column) { .title = "UUID", .cut = true };
	return table_new(columns, NR_COLUMNS, true);
}

/* The time in which the server answered @percent of the accesses of this round. */
static const char *percentile(const struct sample *sample, unsigned int percent,
			      char text[LATENCY_TEXT])
{
	struct vnl_histogram sum = {};

	latency_add(&sum, &sample->new_latency[VNL_LATENCY_REGION_READ]);
	latency_add(&sum, &sample->new_latency[VNL_LATENCY_REGION_WRITE]);
	if (!latency_count(&sum))
		return "-";
	return latency_limit_text(latency_percentile(&sum, percent), text);
}

static int add_row(struct libscols_table *table, const struct sample *sample)
{
	char text[NR_SUMS][32], p50[LATENCY_TEXT], p99[LATENCY_TEXT];
	const char *cells[NR_COLUMNS] = { sample->pci_address,
					  vnl_name_state(sample->state) };
	int i;

	for (i = 0; i < NR_SUMS; i++) {
		snprintf(text[i], sizeof(text[i]), "%.0f",
			 sum_of(sample, &sums[i]));
		cells[2 + i] = text[i];
	}
	cells[2 + NR_SUMS] = percentile(sample, 50, p50);
	cells[3 + NR_SUMS] = percentile(sample, 99, p99);
	cells[4 + NR_SUMS] = sample->uuid;
	return table_add(table, cells);
}

/* @live: on a terminal, each round takes the place of the round before. */
static int print_table(bool live, const struct round *round)
{
	struct libscols_table *table = new_table();
	int ret = table ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < round->nr && !ret; i++)
		ret = add_row(table, &round->samples[i]);
	if (live)
		fputs("\033[H\033[2J", stdout);
	if (table)
		table_print(table);
	if (!round->nr)
		puts("no devices");
	return ret ? ctl_fail(EX_OSERR, "out of memory") : 0;
}

static void print_json(const struct round *round)
{
	struct json_object *array = json_object_new_array();
	const struct sample *sample = round->samples;
	struct json_object *object;
	size_t i;

	for (i = 0; i < round->nr; i++, sample++) {
		object = json_object_new_object();
		output_add_string(object, "uuid", sample->uuid);
		output_add_string(object, "pci-address", sample->pci_address);
		output_add_string(object, "state",
				  vnl_name_state(sample->state));
		json_object_object_add(object, "rates",
				       output_rates_json(sample->rates));
		json_object_object_add(object, "latency",
				       latency_json(sample->new_latency));
		json_object_array_add(array, object);
	}
	output_json(array, false);
}

static int print_round(struct ctl *ctl, void *data, struct round *round)
{
	const bool *live = data;

	qsort(round->samples, round->nr, sizeof(*round->samples), compare);
	if (!ctl->json)
		return print_table(*live, round);
	print_json(round);
	return 0;
}

static int parse(struct rounds *rounds, int argc, char **argv)
{
	struct option_parser parser;
	int key, status;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key == OPT_ONCE) {
			rounds->count = 1;
			continue;
		}
		if (key != 'i' && key != 'n')
			return ctl_usage(&cmd_top);
		status = rate_option(rounds, key, optarg);
		if (status)
			return status;
	}
	return optind == argc ? 0 : ctl_usage(&cmd_top);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	bool live;
	struct rounds rounds = {
		.interval = 1,
		.print = print_round,
		.data = &live,
	};
	int status = parse(&rounds, argc, argv);

	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	live = isatty(STDOUT_FILENO) && rounds.count != 1;
	return rate_print(ctl, &rounds);
}

const struct command cmd_top = {
	.name = "top",
	.operands = "",
	.options = options,
	.what = "show what all devices do per second and how fast servers answer, the busiest first",
	.run = run,
};
