// SPDX-License-Identifier: GPL-2.0
/*
 * A packed ring.  Used entries overwrite the available ones, so the in-flight
 * memory keeps lists of the descriptors in flight.
 */
#include <string.h>

#include "crash.h"
#include "queue.h"

#define AVAIL_BIT (1 << VRING_PACKED_DESC_F_AVAIL)
#define USED_BIT  (1 << VRING_PACKED_DESC_F_USED)

/* Return the index that ends the list of free entries. */
static uint16_t list_end(const struct packed_area *area)
{
	return area->desc_num;
}

static void advance(const struct queue *q, uint16_t *index, bool *wrap,
		    uint16_t by)
{
	uint32_t next = (uint32_t)*index + by;

	if (next >= q->num) {
		next -= q->num;
		*wrap = !*wrap;
	}
	*index = next;
}

static void set_up(struct queue *q, struct packed_area *area)
{
	uint16_t i;

	area->desc_num = q->num;
	for (i = 0; i < q->num; i++)
		area->desc[i].next = i + 1;
	area->free_head = 0;
	area->old_free_head = 0;
	area->used_idx = q->used;
	area->old_used_idx = q->used;
	area->used_wrap_counter = q->used_wrap;
	area->old_used_wrap_counter = q->used_wrap;
	shared_set(area->version, INFLIGHT_VERSION);
}

static void commit(struct packed_area *area)
{
	area->old_free_head = area->free_head;
	area->old_used_idx = area->used_idx;
	area->old_used_wrap_counter = area->used_wrap_counter;
}

static void roll_back(struct packed_area *area)
{
	area->free_head = area->old_free_head;
	area->used_idx = area->old_used_idx;
	area->used_wrap_counter = area->old_used_wrap_counter;
}

/* Finish a batch that the previous process was returning when it died. */
static bool settle_batch(struct queue *q, struct packed_area *area)
{
	const struct vring_packed_desc *ring = q->desc;
	uint16_t flags, want;

	if (area->old_used_idx >= q->num || area->used_idx >= q->num)
		return false;
	if (area->used_idx != area->old_used_idx ||
	    area->used_wrap_counter != area->old_used_wrap_counter) {
		flags = shared_get(ring[area->old_used_idx].flags);
		want = area->old_used_wrap_counter ? AVAIL_BIT : USED_BIT;
		/* No longer available: the driver has the batch. */
		if ((flags & (AVAIL_BIT | USED_BIT)) != want)
			commit(area);
	}
	roll_back(area);
	return true;
}

/* Mark the free entries as not in flight. */
static bool clear_free(struct packed_area *area)
{
	uint16_t i = area->free_head, seen;

	for (seen = 0; seen < area->desc_num && i < area->desc_num; seen++) {
		area->desc[i].inflight = 0;
		i = area->desc[i].next;
	}
	return i == list_end(area);
}

static bool recover(struct queue *q)
{
	struct packed_area *area = q->area;
	uint64_t counters[QUEUE_MAX];
	uint32_t taken = 0;
	uint16_t i;

	if (!area->version) {
		set_up(q, area);
		return true;
	}
	if (area->version != INFLIGHT_VERSION || area->desc_num != q->num ||
	    !settle_batch(q, area) || !clear_free(area))
		return false;
	for (i = 0; i < q->num; i++) {
		counters[i] = area->desc[i].counter;
		if (!area->desc[i].inflight)
			continue;
		taken += area->desc[i].num;
		q->batch[q->nr++].slot = i;
	}
	if (taken > q->num)
		return false;
	queue_sort(q, counters);
	q->used = area->used_idx;
	q->used_wrap = area->used_wrap_counter;
	/* Each taken request is either used or in flight. */
	q->avail = q->used;
	q->avail_wrap = q->used_wrap;
	advance(q, &q->avail, &q->avail_wrap, taken);
	return true;
}

static bool is_available(const struct queue *q, uint16_t flags)
{
	bool avail = flags & AVAIL_BIT, used = flags & USED_BIT;

	return avail == q->avail_wrap && used != q->avail_wrap;
}

/* Record one descriptor; the caller has recorded the head as in flight. */
static bool record(struct packed_area *area,
		   const struct vring_packed_desc *desc, uint16_t head)
{
	struct packed_state *state;

	if (area->free_head >= area->desc_num)
		return false;
	state = &area->desc[area->free_head];
	area->desc[head].last = area->free_head;
	area->desc[head].num++;
	state->addr = desc->addr;
	state->len = desc->len;
	state->flags = desc->flags;
	state->id = desc->id;
	shared_set(area->free_head, state->next);
	return true;
}

/* Take one request, whose first descriptor is available. */
static bool take_one(struct queue *q)
{
	struct packed_area *area = q->area;
	struct vring_packed_desc *ring = q->desc, desc;
	uint16_t head = area->old_free_head, index = q->avail;
	bool wrap = q->avail_wrap;

	if (head >= area->desc_num)
		return false;
	area->desc[head].num = 0;
	area->desc[head].counter = q->counter++;
	shared_set(area->desc[head].inflight, 1);
	do {
		desc = ring[index];
		if (!record(area, &desc, head))
			return false;
		advance(q, &index, &wrap, 1);
	} while (desc.flags & VRING_DESC_F_NEXT);
	q->avail = index;
	q->avail_wrap = wrap;
	q->batch[q->nr++].slot = head;
	shared_set(area->old_free_head, area->free_head);
	return true;
}

static bool take(struct queue *q)
{
	struct vring_packed_desc *ring = q->desc;

	while (is_available(q, shared_get(ring[q->avail].flags)))
		if (!take_one(q))
			return false;
	return true;
}

static bool gather(const struct queue *q, uint16_t head, struct chain *chain)
{
	const struct packed_area *area = q->area;
	const struct packed_state *state;
	uint16_t i = head, nr;

	for (nr = area->desc[head].num; nr; nr--) {
		if (i >= area->desc_num)
			return false;
		state = &area->desc[i];
		if (state->flags & VRING_DESC_F_INDIRECT)
			return chain_add_packed_table(chain, q->memory,
						      state->addr, state->len);
		if (!chain_add(chain, q->memory, state->addr, state->len,
			       state->flags & VRING_DESC_F_WRITE))
			return false;
		i = state->next;
	}
	return true;
}

static bool run(struct queue *q, struct request *request)
{
	const struct packed_area *area = q->area;
	struct chain chain = { .nr = 0 };

	return area->desc[request->slot].last < area->desc_num &&
	       gather(q, request->slot, &chain) &&
	       disk_run(q->disk, &chain, &request->written);
}

/* Write a used entry except its flags, which are returned. */
static uint16_t write_used(struct queue *q, const struct request *request,
			   struct vring_packed_desc *entry)
{
	const struct packed_area *area = q->area;

	entry->id = area->desc[area->desc[request->slot].last].id;
	entry->len = request->written;
	return (q->used_wrap ? AVAIL_BIT | USED_BIT : 0) | VRING_DESC_F_WRITE;
}

static void give_back(struct queue *q)
{
	struct vring_packed_desc *ring = q->desc, *first = &ring[q->used];
	struct packed_area *area = q->area;
	struct packed_state *head;
	uint16_t flags, first_flags = 0;
	uint32_t i;

	for (i = 0; i < q->nr; i++) {
		head = &area->desc[q->batch[i].slot];
		flags = write_used(q, &q->batch[i], &ring[q->used]);
		if (i)
			shared_set(ring[q->used].flags, flags);
		else
			first_flags = flags;
		area->desc[head->last].next = area->free_head;
		shared_set(area->free_head, q->batch[i].slot);
		advance(q, &q->used, &q->used_wrap, head->num);
	}
	area->used_wrap_counter = q->used_wrap;
	shared_set(area->used_idx, q->used);
	crash_here(CRASH_LISTED);
	/* The flags of the first entry make the whole batch visible. */
	shared_set(first->flags, first_flags);
	crash_here(CRASH_USED);
	for (i = 0; i < q->nr; i++)
		shared_set(area->desc[q->batch[i].slot].inflight, 0);
	crash_here(CRASH_CLEARED);
	commit(area);
}

static bool wants_call(struct queue *q)
{
	const struct vring_packed_desc_event *event = q->driver;

	return shared_get(event->flags) != VRING_PACKED_EVENT_FLAG_DISABLE;
}

const struct ring_ops packed_ops = {
	.recover = recover,
	.take = take,
	.run = run,
	.give_back = give_back,
	.wants_call = wants_call,
};
