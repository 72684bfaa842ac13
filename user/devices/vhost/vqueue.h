/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's side of a virtqueue, split or packed, for queues that are served
 * in this process: few requests, small ones.  Whatever the driver writes is
 * looked at once, by copy.
 */
#ifndef VHOST_VQUEUE_H
#define VHOST_VQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio.h"

/* Pieces of a request. */
#define VQUEUE_MAX_PIECES 32

/**
 * struct vqueue_mem - the way to the driver's memory
 * @read: copy @len bytes at @iova to @buf; 0 or -errno
 * @write: the other way
 * @ctx: for both
 */
struct vqueue_mem {
	int (*read)(void *ctx, uint64_t iova, void *buf, size_t len);
	int (*write)(void *ctx, uint64_t iova, const void *buf, size_t len);
	void *ctx;
};

/**
 * struct vqueue_piece - a descriptor
 * @iova: of the data
 * @len: bytes
 * @write: for the device to write, else to read
 */
struct vqueue_piece {
	uint64_t iova;
	uint32_t len;
	bool write;
};

/**
 * struct vqueue_request - what vqueue_pop() found
 * @id: for vqueue_push()
 * @slots: of a packed ring that it takes
 * @nr: of @pieces
 * @pieces: those to read come first
 */
struct vqueue_request {
	uint16_t id;
	uint16_t slots;
	uint16_t nr;
	struct vqueue_piece pieces[VQUEUE_MAX_PIECES];
};

/**
 * struct vqueue - a queue that is served here
 * @mem: way to memory
 * @queue: where it is
 * @packed: layout
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @avail: next to take: an index that never wraps at the size in a split ring,
 *         a slot in a packed one
 * @used: next to give back, likewise
 * @avail_wrap: wrap counter of a packed ring
 * @used_wrap: likewise
 */
struct vqueue {
	const struct vqueue_mem *mem;
	const struct virtio_queue *queue;
	bool packed;
	bool event_idx;
	uint16_t avail;
	uint16_t used;
	bool avail_wrap;
	bool used_wrap;
};

void vqueue_init(struct vqueue *ring, const struct vqueue_mem *mem,
		 const struct virtio_queue *queue, uint64_t features);
uint32_t vqueue_base(const struct vqueue *ring);
void vqueue_set_base(struct vqueue *ring, uint32_t base);
int vqueue_pop(struct vqueue *ring, struct vqueue_request *req);
int vqueue_push(struct vqueue *ring, const struct vqueue_request *req,
		uint32_t written);
int vqueue_wants_irq(struct vqueue *ring);
int vqueue_gather(struct vqueue *ring, const struct vqueue_request *req,
		  void *buf, size_t size, size_t *len);
int vqueue_scatter(struct vqueue *ring, const struct vqueue_request *req,
		   const void *buf, size_t len);

#endif
