/* SPDX-License-Identifier: GPL-2.0 */
/* A queue: its ring, what is in flight in it, and a batch of requests. */
#ifndef VHOST_BLK_QUEUE_H
#define VHOST_BLK_QUEUE_H

#include <linux/vhost_types.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>

#include "disk.h"
#include "inflight.h"
#include "memory.h"

#define QUEUE_MAX 1024 /* entries of a ring */

/* A request: where it is noted, and what it wrote. */
struct request {
	uint16_t slot;
	uint32_t written;
};

/**
 * struct queue - one virtqueue
 * @memory: to find things in
 * @disk: that it is for
 * @backwards: do the requests of a batch last one first
 * @packed: the ring's form
 * @num: entries
 * @addr: as set
 * @kick: -1: none
 * @call: likewise
 * @err: likewise
 * @enabled: SET_VRING_ENABLE
 * @running: between start and stop
 * @avail: next entry to take; of a split ring free-running
 * @avail_wrap: of a packed ring
 * @used: next entry to use; of a split ring free-running
 * @used_wrap: of a packed ring
 * @counter: of the next request taken
 * @area: in-flight memory, never NULL while it runs
 * @own_area: to free it
 * @batch: requests taken and not yet used
 * @nr: number of them
 * @desc: descriptors; valid while the queue is processed
 * @driver: available ring, or the driver's event suppression
 * @device: used ring, or the device's event suppression
 */
struct queue {
	const struct memory *memory;
	struct disk *disk;
	bool backwards;
	bool packed;
	uint16_t num;
	struct vhost_vring_addr addr;
	int kick;
	int call;
	int err;
	bool enabled;
	bool running;
	uint16_t avail;
	bool avail_wrap;
	uint16_t used;
	bool used_wrap;
	uint64_t counter;
	void *area;
	bool own_area;
	struct request batch[QUEUE_MAX];
	uint32_t nr;
	void *desc;
	void *driver;
	void *device;
};

void queue_init(struct queue *q, const struct memory *memory,
		struct disk *disk);
/* Where the ring goes on, as in SET_VRING_BASE. */
void queue_set_base(struct queue *q, uint32_t base);
uint32_t queue_base(const struct queue *q);
/* Run it if it can; @area is in-flight memory, or NULL. */
void queue_start(struct queue *q, void *area);
void queue_stop(struct queue *q);
/* Stop it and close its descriptors. */
void queue_reset(struct queue *q);
/* Do what is available. */
void queue_process(struct queue *q);

/*
 * What the two forms of rings have to do.  Those that return a value return
 * false when the ring makes no sense.
 */
struct ring_ops {
	/* Find in the in-flight memory what has to be done again. */
	bool (*recover)(struct queue *q);
	/* Add to the batch, and note as in flight, what is available. */
	bool (*take)(struct queue *q);
	/* Do one. */
	bool (*run)(struct queue *q, struct request *request);
	/* Give the batch back to the driver. */
	void (*give_back)(struct queue *q);
	/* Whether the driver wants to be interrupted. */
	bool (*wants_call)(struct queue *q);
};

extern const struct ring_ops split_ops, packed_ops;

/* Requests to be done again, in the order of their counters. */
void queue_sort(struct queue *q, uint64_t *counters);

/* Memory that two processes look at. */
#define shared_get(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#define shared_set(place, value) \
	__atomic_store_n(&(place), value, __ATOMIC_RELEASE)

#endif /* VHOST_BLK_QUEUE_H */
