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
 * @rates: increase of each counter per second since the round before; 0 if the device did
 *	not exist then
 */
struct sample {
	uint32_t id;
	char uuid[VNL_UUID_TEXT];
	char pci_address[16];
	uint32_t state;
	uint64_t counters[VNL_NR_COUNTERS];
	double rates[VNL_NR_COUNTERS];
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
 * rate_read - read the counters
 * @ctl: this run
 * @ids: numbers of the devices
 * @nr: number of @ids; 0 for all devices
 * @round: filled in; to be freed, also after an error
 *
 * Return: 0, or an exit status after printing an error.
 */
int rate_read(struct ctl *ctl, const uint32_t *ids, size_t nr,
	      struct round *round);

/* Add one device to a round; 0 or -ENOMEM. */
int rate_add(struct round *round, const struct vnl_dev *dev);

/* Fill in the rates of @new, from @old and the time between them. */
void rate_compute(const struct round *old, struct round *new);

/* Free the samples. */
void rate_free(struct round *round);

/* Read an interval in seconds, at most one day; 0 or -EINVAL. */
int rate_interval(const char *arg, double *interval);

/* Wait for an interval. */
void rate_wait(double interval);

#endif /* VUSERCTL_RATE_H */
