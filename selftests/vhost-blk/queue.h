/* SPDX-License-Identifier: GPL-2.0 */
/* A queue: its ring, its requests in flight, and a batch of requests. */
#ifndef VHOST_BLK_QUEUE_H
#define VHOST_BLK_QUEUE_H

#include <linux/vhost_types.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>

#include "disk.h"
#include "inflight.h"
#include "memory.h"

#define QUEUE_MAX 1024 /* entries of a ring */

/* A request: its slot in the in-flight memory, and the bytes it wrote. */
struct request {
	uint16_t slot;
	uint32_t written;
};

/**
 * struct queue - one virtqueue
 * @memory: the front end's memory
 * @disk: the disk
 * @backwards: execute the requests of a batch in reverse order
 * @packed: the ring is packed
 * @num: number of entries
 * @addr: as in SET_VRING_ADDR
 * @kick: eventfd that the front end signals, or -1
 * @call: eventfd for used entries, or -1
 * @err: eventfd for errors of the ring, or -1
 * @enabled: as in SET_VRING_ENABLE
 * @running: between start and stop
 * @avail: next entry to take; free-running in a split ring
 * @avail_wrap: wrap counter of a packed ring
 * @used: next entry to use; free-running in a split ring
 * @used_wrap: wrap counter of a packed ring
 * @counter: number of the next request
 * @area: in-flight memory, not NULL while running
 * @own_area: free @area on stop
 * @batch: requests taken and not yet used
 * @nr: number of requests in @batch
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
/* The position of the ring, as in SET_VRING_BASE. */
void queue_set_base(struct queue *q, uint32_t base);
uint32_t queue_base(const struct queue *q);
/* Start the queue if it can run; @area is in-flight memory, or NULL. */
void queue_start(struct queue *q, void *area);
void queue_stop(struct queue *q);
/* Stop the queue and close its descriptors. */
void queue_reset(struct queue *q);
/* Execute the available requests. */
void queue_process(struct queue *q);

/*
 * Operations of the two forms of rings.  Functions that return a value return
 * false if the ring is invalid.
 */
struct ring_ops {
	/*
	 * Find the requests in flight in the in-flight memory, to execute them
	 * again.
	 */
	bool (*recover)(struct queue *q);
	/*
	 * Add the available requests to the batch and record them as in flight.
	 */
	bool (*take)(struct queue *q);
	/* Execute one request. */
	bool (*run)(struct queue *q, struct request *request);
	/* Return the batch to the driver. */
	void (*give_back)(struct queue *q);
	/* Return whether the driver wants an interrupt. */
	bool (*wants_call)(struct queue *q);
};

extern const struct ring_ops split_ops, packed_ops;

/* Sort the requests to execute again by their counters. */
void queue_sort(struct queue *q, uint64_t *counters);

/* Access memory that another process accesses at the same time. */
#define shared_get(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#define shared_set(place, value) \
	__atomic_store_n(&(place), value, __ATOMIC_RELEASE)

#endif /* VHOST_BLK_QUEUE_H */
