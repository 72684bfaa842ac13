/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory that records requests in flight, one area for each queue, as in
 * "Inflight I/O tracking" of the specification.  The memory outlives this
 * process.  The order of the writes keeps it valid even if the process is
 * killed at any time.
 */
#ifndef VHOST_BLK_INFLIGHT_H
#define VHOST_BLK_INFLIGHT_H

#include <stddef.h>
#include <stdint.h>

#define INFLIGHT_VERSION 1
#define INFLIGHT_ALIGN	 64

struct split_state {
	uint8_t inflight;
	uint8_t padding[5];
	uint16_t next;
	uint64_t counter;
};

struct split_area {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t last_batch_head;
	uint16_t used_idx;
	struct split_state desc[];
};

struct packed_state {
	uint8_t inflight;
	uint8_t padding;
	uint16_t next;
	uint16_t last;
	uint16_t num;
	uint64_t counter;
	uint16_t id;
	uint16_t flags;
	uint32_t len;
	uint64_t addr;
};

struct packed_area {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t free_head;
	uint16_t old_free_head;
	uint16_t used_idx;
	uint16_t old_used_idx;
	uint8_t used_wrap_counter;
	uint8_t old_used_wrap_counter;
	uint8_t padding[7];
	struct packed_state desc[];
};

_Static_assert(sizeof(struct split_area) == 16, "as specified");
_Static_assert(sizeof(struct split_state) == 16, "as specified");
_Static_assert(offsetof(struct packed_area, desc) == 32, "as specified");
_Static_assert(sizeof(struct packed_state) == 32, "as specified");

/*
 * Return the size for a queue of @num entries; the packed form is the larger
 * one.
 */
static inline size_t inflight_size(uint16_t num)
{
	size_t size = sizeof(struct packed_area) +
		      (size_t)num * sizeof(struct packed_state);

	return (size + INFLIGHT_ALIGN - 1) / INFLIGHT_ALIGN * INFLIGHT_ALIGN;
}

#endif /* VHOST_BLK_INFLIGHT_H */
