// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crash.h"
#include "queue.h"

#define WRAP 0x8000

static const struct ring_ops *ops_of(const struct queue *q)
{
	return q->packed ? &packed_ops : &split_ops;
}

void queue_init(struct queue *q, const struct memory *memory, struct disk *disk)
{
	memset(q, 0, sizeof(*q));
	q->memory = memory;
	q->disk = disk;
	q->kick = -1;
	q->call = -1;
	q->err = -1;
}

void queue_set_base(struct queue *q, uint32_t base)
{
	uint16_t used = base >> 16;

	if (!q->packed) {
		q->avail = base;
		return;
	}
	q->avail = base & ~WRAP;
	q->avail_wrap = base & WRAP;
	q->used = used & ~WRAP;
	q->used_wrap = used & WRAP;
}

uint32_t queue_base(const struct queue *q)
{
	uint32_t used;

	if (!q->packed)
		return q->avail;
	used = q->used | (q->used_wrap ? WRAP : 0);
	return used << 16 | q->avail | (q->avail_wrap ? WRAP : 0);
}

static void signal_fd(int fd)
{
	if (fd >= 0)
		eventfd_write(fd, 1);
}

static void break_down(struct queue *q, const char *why)
{
	fprintf(stderr, "vuser-vhost-blk: ring stopped: %s\n", why);
	q->running = false;
	signal_fd(q->err);
}

/* Look up the ring again, since memory may have changed. */
static bool find_ring(struct queue *q)
{
	size_t num = q->num;
	size_t driver = q->packed ? sizeof(struct vring_packed_desc_event) :
				    sizeof(struct vring_avail) + 2 * num;
	size_t device = q->packed ?
				sizeof(struct vring_packed_desc_event) :
				sizeof(struct vring_used) +
					num * sizeof(struct vring_used_elem);

	q->desc = memory_user(q->memory, q->addr.desc_user_addr, 16 * num);
	q->driver = memory_user(q->memory, q->addr.avail_user_addr, driver);
	q->device = memory_user(q->memory, q->addr.used_user_addr, device);
	return q->desc && q->driver && q->device;
}

static bool run_batch(struct queue *q)
{
	uint32_t i, which;

	for (i = 0; i < q->nr; i++) {
		if (i == q->nr / 2)
			crash_here(CRASH_HALF);
		which = q->backwards ? q->nr - 1 - i : i;
		if (!ops_of(q)->run(q, &q->batch[which]))
			return false;
	}
	return true;
}

void queue_process(struct queue *q)
{
	if (!q->running || !q->enabled)
		return;
	if (!find_ring(q)) {
		break_down(q, "outside of the front end's memory");
		return;
	}
	for (;;) {
		if (!ops_of(q)->take(q)) {
			break_down(q, "invalid available entry");
			return;
		}
		if (!q->nr)
			return;
		crash_here(CRASH_TAKEN);
		if (!run_batch(q)) {
			break_down(q, "invalid request");
			return;
		}
		crash_here(CRASH_DONE);
		ops_of(q)->give_back(q);
		q->nr = 0;
		crash_here(CRASH_COMMITTED);
		if (ops_of(q)->wants_call(q))
			signal_fd(q->call);
	}
}

void queue_start(struct queue *q, void *area)
{
	if (q->running || !q->enabled || q->kick < 0 || !q->num)
		return;
	q->own_area = !area;
	q->area = area ?: calloc(1, inflight_size(q->num));
	q->nr = 0;
	q->running = q->area;
	if (!q->running)
		return;
	if (!find_ring(q)) {
		break_down(q, "outside of the front end's memory");
		return;
	}
	if (!ops_of(q)->recover(q)) {
		break_down(q, "invalid in-flight memory");
		return;
	}
	queue_process(q);
	/* The process that crashed may not have signalled the driver. */
	signal_fd(q->call);
}

void queue_stop(struct queue *q)
{
	q->running = false;
	if (q->own_area)
		free(q->area);
	q->own_area = false;
	q->area = NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void queue_reset(struct queue *q)
{
	queue_stop(q);
	close_fd(&q->kick);
	close_fd(&q->call);
	close_fd(&q->err);
	q->enabled = false;
}

static int by_counter(const void *a, const void *b, void *counters)
{
	const uint64_t *counter = counters;
	uint64_t x = counter[((const struct request *)a)->slot];
	uint64_t y = counter[((const struct request *)b)->slot];

	return x < y ? -1 : x > y;
}

void queue_sort(struct queue *q, uint64_t *counters)
{
	qsort_r(q->batch, q->nr, sizeof(q->batch[0]), by_counter, counters);
	q->counter = q->nr ? counters[q->batch[q->nr - 1].slot] + 1 : 0;
}
