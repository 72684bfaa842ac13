// SPDX-License-Identifier: GPL-2.0
/* A split ring.  A request in flight is recorded by the index of its head. */
#include "crash.h"
#include "queue.h"

static struct vring_avail *avail_of(const struct queue *q)
{
	return q->driver;
}

static struct vring_used *used_of(const struct queue *q)
{
	return q->device;
}

/*
 * Finish a batch if the previous process died between updating the used index
 * and the records.
 */
static bool settle_batch(struct split_area *area, uint16_t used)
{
	uint16_t left = used - area->used_idx, head = area->last_batch_head;

	if (left > area->desc_num)
		return false;
	for (; left; left--) {
		if (head >= area->desc_num)
			return false;
		area->desc[head].inflight = 0;
		head = area->desc[head].next;
	}
	shared_set(area->used_idx, used);
	return true;
}

static bool recover(struct queue *q)
{
	struct split_area *area = q->area;
	uint64_t counters[QUEUE_MAX];
	uint16_t i;

	q->used = shared_get(used_of(q)->idx);
	if (!area->version) {
		area->desc_num = q->num;
		area->used_idx = q->used;
		shared_set(area->version, INFLIGHT_VERSION);
		return true;
	}
	if (area->version != INFLIGHT_VERSION || area->desc_num != q->num ||
	    !settle_batch(area, q->used))
		return false;
	for (i = 0; i < q->num; i++) {
		counters[i] = area->desc[i].counter;
		if (area->desc[i].inflight)
			q->batch[q->nr++].slot = i;
	}
	queue_sort(q, counters);
	/* Each taken request is either used or in flight. */
	q->avail = q->used + q->nr;
	return true;
}

static bool take(struct queue *q)
{
	uint16_t end = shared_get(avail_of(q)->idx), head;
	struct split_area *area = q->area;

	if ((uint16_t)(end - q->avail) > q->num)
		return false;
	while (q->avail != end) {
		head = avail_of(q)->ring[q->avail % q->num];
		if (head >= q->num || area->desc[head].inflight)
			return false;
		area->desc[head].counter = q->counter++;
		shared_set(area->desc[head].inflight, 1);
		q->batch[q->nr++].slot = head;
		q->avail++;
	}
	return true;
}

static bool gather(const struct queue *q, uint16_t head, struct chain *chain)
{
	const struct vring_desc *table = q->desc;
	struct vring_desc desc;
	uint16_t seen;

	for (seen = 0; seen < q->num && head < q->num; seen++) {
		desc = table[head];
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return chain_add_split_table(chain, q->memory,
						     desc.addr, desc.len);
		if (!chain_add(chain, q->memory, desc.addr, desc.len,
			       desc.flags & VRING_DESC_F_WRITE))
			return false;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return true;
		head = desc.next;
	}
	return false;
}

static bool run(struct queue *q, struct request *request)
{
	struct chain chain = { .nr = 0 };

	return gather(q, request->slot, &chain) &&
	       disk_run(q->disk, &chain, &request->written);
}

static void give_back(struct queue *q)
{
	struct split_area *area = q->area;
	struct vring_used_elem *elem;
	uint16_t slot;
	uint32_t i;

	for (i = 0; i < q->nr; i++) {
		slot = q->batch[i].slot;
		area->desc[slot].next = area->last_batch_head;
		shared_set(area->last_batch_head, slot);
		elem = &used_of(q)->ring[q->used++ % q->num];
		elem->id = slot;
		elem->len = q->batch[i].written;
	}
	crash_here(CRASH_LISTED);
	shared_set(used_of(q)->idx, q->used);
	crash_here(CRASH_USED);
	for (i = 0; i < q->nr; i++)
		shared_set(area->desc[q->batch[i].slot].inflight, 0);
	crash_here(CRASH_CLEARED);
	shared_set(area->used_idx, q->used);
}

static bool wants_call(struct queue *q)
{
	return !(shared_get(avail_of(q)->flags) & VRING_AVAIL_F_NO_INTERRUPT);
}

const struct ring_ops split_ops = {
	.recover = recover,
	.take = take,
	.run = run,
	.give_back = give_back,
	.wants_call = wants_call,
};
