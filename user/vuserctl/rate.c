// SPDX-License-Identifier: GPL-2.0
/* Counters of devices at two times, and their increase per second. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "rate.h"
#include "settings.h"

int rate_add(struct round *round, const struct vnl_dev *dev)
{
	struct sample *grown, *sample;

	grown = reallocarray(round->samples, round->nr + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	round->samples = grown;
	sample = &grown[round->nr++];
	memset(sample, 0, sizeof(*sample));
	sample->id = dev->id;
	memcpy(sample->uuid, dev->uuid, sizeof(sample->uuid));
	memcpy(sample->pci_address, dev->pci_address,
	       sizeof(sample->pci_address));
	sample->state = dev->state;
	memcpy(sample->counters, dev->counters, sizeof(sample->counters));
	memcpy(sample->latency, dev->latency, sizeof(sample->latency));
	return 0;
}

static int take(void *data, const struct vnl_dev *dev)
{
	return rate_add(data, dev);
}

/* Read the counters. The caller frees @round, also after an error. */
static int read_counters(struct ctl *ctl, const struct rounds *rounds,
			 struct round *round)
{
	struct vnl_dev dev;
	int ret = 0;
	size_t i;

	memset(round, 0, sizeof(*round));
	if (!rounds->nr)
		ret = vnl_dev_dump(&ctl->nl, take, round);
	for (i = 0; i < rounds->nr && !ret; i++) {
		ret = vnl_dev_get(&ctl->nl, rounds->ids[i], &dev);
		if (!ret)
			ret = rate_add(round, &dev);
	}
	clock_gettime(CLOCK_MONOTONIC, &round->at);
	if (ret)
		return ctl_fail(exit_status(ret), "cannot read counters: %s",
				vnl_sock_error(&ctl->nl, ret));
	return 0;
}

static const struct sample *find(const struct round *round, uint32_t id,
				 size_t hint)
{
	size_t i;

	/* Devices seldom change their places. */
	if (hint < round->nr && round->samples[hint].id == id)
		return &round->samples[hint];
	for (i = 0; i < round->nr; i++)
		if (round->samples[i].id == id)
			return &round->samples[i];
	return NULL;
}

/* A counter that has decreased belongs to a device that was created again. */
static void compare(const struct sample *before, struct sample *now,
		    double seconds)
{
	uint64_t increase;
	int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++) {
		increase = now->counters[i];
		if (increase >= before->counters[i])
			increase -= before->counters[i];
		now->rates[i] = increase / seconds;
	}
	for (i = 0; i < VNL_NR_LATENCIES; i++)
		latency_increase(&now->new_latency[i], &now->latency[i],
				 &before->latency[i]);
}

void rate_compute(const struct round *old, struct round *new)
{
	double seconds = new->at.tv_sec - old->at.tv_sec +
			 (new->at.tv_nsec - old->at.tv_nsec) / 1e9;
	const struct sample *before;
	struct sample *now;
	size_t i;

	for (i = 0; i < new->nr; i++) {
		now = &new->samples[i];
		before = find(old, now->id, i);
		/* The number may belong to another device by now. */
		if (!before || strcmp(before->uuid, now->uuid) || seconds <= 0)
			continue;
		compare(before, now, seconds);
	}
}

void rate_free(struct round *round)
{
	free(round->samples);
}

int rate_interval(const char *arg, double *interval)
{
	char *end;

	*interval = strtod(arg, &end);
	return end == arg || *end || !(*interval > 0 && *interval <= 86400) ?
		       -EINVAL :
		       0;
}

int rate_option(struct rounds *rounds, int key, const char *arg)
{
	if (key == 'i' && rate_interval(arg, &rounds->interval))
		return ctl_fail(
			EX_USAGE,
			"--interval: '%s' is not a number of seconds above 0 and up to 86400",
			arg);
	if (key == 'n' && settings_number(arg, &rounds->count))
		return ctl_fail(EX_USAGE, "--count: '%s' is not a number", arg);
	return 0;
}

static void wait_for(double interval)
{
	struct timespec pause;

	pause.tv_sec = interval;
	pause.tv_nsec = (interval - pause.tv_sec) * 1e9;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int rate_print(struct ctl *ctl, const struct rounds *rounds)
{
	struct round old, new;
	uint32_t n;
	int status = read_counters(ctl, rounds, &old);

	for (n = 0; !status && (!rounds->count || n < rounds->count); n++) {
		wait_for(rounds->interval);
		status = read_counters(ctl, rounds, &new);
		if (!status) {
			rate_compute(&old, &new);
			status = rounds->print(ctl, rounds->data, &new);
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
