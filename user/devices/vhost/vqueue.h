/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device side of a virtqueue, split or packed, for queues that this process
 * serves. Such queues have few and small requests. Data that the driver can change
 * is copied once, and only the copy is used.
 */
#ifndef VHOST_VQUEUE_H
#define VHOST_VQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio.h"

/* Maximum number of pieces of a request. */
#define VQUEUE_MAX_PIECES 32

/**
 * struct vqueue_mem - access to the memory of the driver
 * @read: copy @len bytes at @iova to @buf; 0 or -errno
 * @write: copy @len bytes from @buf to @iova; 0 or -errno
 * @ctx: for both
 */
struct vqueue_mem {
	int (*read)(void *ctx, uint64_t iova, void *buf, size_t len);
	int (*write)(void *ctx, uint64_t iova, const void *buf, size_t len);
	void *ctx;
};

/**
 * struct vqueue_piece - a descriptor
 * @iova: address of the data
 * @len: bytes
 * @write: the device writes the piece, otherwise it reads it
 */
struct vqueue_piece {
	uint64_t iova;
	uint32_t len;
	bool write;
};

/**
 * struct vqueue_request - a request, from vqueue_pop()
 * @id: number of the request, for vqueue_push()
 * @slots: number of descriptors that the request has in a packed ring
 * @nr: number of @pieces
 * @pieces: pieces of data; those to read come first
 */
struct vqueue_request {
	uint16_t id;
	uint16_t slots;
	uint16_t nr;
	struct vqueue_piece pieces[VQUEUE_MAX_PIECES];
};

/**
 * struct vqueue - a queue that this process serves
 * @mem: access to memory
 * @queue: registers of the queue
 * @packed: the ring is packed
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @avail: position of the next request to take: in a split ring an index that
 *         does not wrap at the size, in a packed ring a slot
 * @used: position of the next request to return, in the form of @avail
 * @avail_wrap: wrap counter of @avail in a packed ring
 * @used_wrap: wrap counter of @used in a packed ring
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
