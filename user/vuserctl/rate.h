/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of devices at two times, and their increase per second. */
#ifndef VUSERCTL_RATE_H
#define VUSERCTL_RATE_H

#include <stddef.h>
#include <time.h>

#include "ctl.h"

/**
 * struct sample - the counters of a device at one time
 * @id: number of the device
 * @uuid: UUID of the device
 * @pci_address: its PCI address
 * @state: its state
 * @counters: its counters
 * @latency: its histograms
 * @rates: increase of each counter per second since the round before; 0 if the device did
 *	not exist then
 * @new_latency: the replies since the round before; none if the device did not exist then
 */
struct sample {
	uint32_t id;
	char uuid[VNL_UUID_TEXT];
	char pci_address[16];
	uint32_t state;
	uint64_t counters[VNL_NR_COUNTERS];
	struct vnl_histogram latency[VNL_NR_LATENCIES];
	double rates[VNL_NR_COUNTERS];
	struct vnl_histogram new_latency[VNL_NR_LATENCIES];
};

/**
 * struct round - the counters of some devices at one time
 * @at: the time
 * @samples: one for each device
 * @nr: number of samples
 */
struct round {
	struct timespec at;
	struct sample *samples;
	size_t nr;
};

/**
 * struct rounds - rounds to print, one after the other
 * @interval: seconds before each round
 * @count: number of rounds, 0: no limit
 * @ids: numbers of the devices
 * @nr: number of @ids, 0: all devices
 * @print: prints a round with its rates on stdout, and may sort its samples.  Returns 0,
 *	or an exit status after printing an error.
 * @data: argument of @print
 */
struct rounds {
	double interval;
	uint32_t count;
	const uint32_t *ids;
	size_t nr;
	int (*print)(struct ctl *ctl, void *data, struct round *round);
	void *data;
};

/**
 * rate_option - read --interval or --count
 * @rounds: filled in
 * @key: 'i' or 'n'
 * @arg: argument of the option
 *
 * Return: 0, or an exit status after printing an error.
 */
int rate_option(struct rounds *rounds, int key, const char *arg);

/**
 * rate_print - read the counters and print their rates, round by round
 * @ctl: this run
 * @rounds: what to print
 *
 * Return: 0 after the last round, or an exit status after printing an error.
 */
int rate_print(struct ctl *ctl, const struct rounds *rounds);

/* Add one device to a round; 0 or -ENOMEM. */
int rate_add(struct round *round, const struct vnl_dev *dev);

/* Fill in the rates and the new replies of @new, from @old and the time between them. */
void rate_compute(const struct round *old, struct round *new);

/* Free the samples. */
void rate_free(struct round *round);

/* Read an interval in seconds, at most one day; 0 or -EINVAL. */
int rate_interval(const char *arg, double *interval);

#endif /* VUSERCTL_RATE_H */
