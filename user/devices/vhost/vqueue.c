// SPDX-License-Identifier: GPL-2.0
/* Virtqueues, virtio 1.2 sections 2.7 (split) and 2.8 (packed). */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <vhost-user/backend.h>

#include "vqueue.h"

/* Offsets in the available ring: flags, index, entries. */
#define AVAIL_FLAGS 0
#define AVAIL_IDX   2
#define AVAIL_RING  4

/*
 * Offsets in the used ring. The index at which the driver kicks follows the
 * entries.
 */
#define USED_IDX  2
#define USED_RING 4

#define DESC_SIZE 16

/* A descriptor of a split or packed ring. In a packed ring, @next is the buffer ID. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

static int read_mem(struct vqueue *ring, uint64_t iova, void *buf, size_t len)
{
	return ring->mem->read(ring->mem->ctx, iova, buf, len);
}

static int write_mem(struct vqueue *ring, uint64_t iova, const void *buf,
		     size_t len)
{
	return ring->mem->write(ring->mem->ctx, iova, buf, len);
}

static int read16(struct vqueue *ring, uint64_t iova, uint16_t *value)
{
	int ret = read_mem(ring, iova, value, sizeof(*value));

	*value = le16toh(*value);
	return ret;
}

static int write16(struct vqueue *ring, uint64_t iova, uint16_t value)
{
	value = htole16(value);
	return write_mem(ring, iova, &value, sizeof(value));
}

/**
 * vqueue_init - start to serve an empty ring
 * @ring: filled in
 * @mem: access to memory; must stay valid
 * @queue: registers of the queue; must stay valid
 * @features: negotiated features
 */
void vqueue_init(struct vqueue *ring, const struct vqueue_mem *mem,
		 const struct virtio_queue *queue, uint64_t features)
{
	*ring = (struct vqueue) {
		.mem = mem,
		.queue = queue,
		.packed = features & VIRTIO_BIT(VIRTIO_F_RING_PACKED),
		.event_idx = features & VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX),
		.avail_wrap = true,
		.used_wrap = true,
	};
}

/**
 * vqueue_base - position of the ring, in the form of SET_VRING_BASE of
 * vhost-user. All requests must have been returned.
 */
uint32_t vqueue_base(const struct vqueue *ring)
{
	if (!ring->packed)
		return ring->avail;
	return vhost_packed_base(ring->avail, ring->avail_wrap, ring->used,
				 ring->used_wrap);
}

/**
 * vqueue_set_base - set the position; for a packed ring it contains both
 * indexes
 */
void vqueue_set_base(struct vqueue *ring, uint32_t base)
{
	const uint16_t used = base >> 16;

	if (!ring->packed) {
		ring->avail = ring->used = base;
		return;
	}
	ring->avail = base & 0x7fff;
	ring->avail_wrap = base & 0x8000;
	ring->used = used & 0x7fff;
	ring->used_wrap = used & 0x8000;
}

/* Read an entry of a table of descriptors. */
static int read_desc(struct vqueue *ring, uint64_t table, uint32_t index,
		     struct desc *desc)
{
	uint8_t raw[DESC_SIZE];
	uint16_t half[2];
	int ret;

	ret = read_mem(ring, table + (uint64_t)index * DESC_SIZE, raw,
		       sizeof(raw));
	if (ret)
		return ret;
	memcpy(&desc->addr, raw, sizeof(desc->addr));
	memcpy(&desc->len, raw + 8, sizeof(desc->len));
	memcpy(half, raw + 12, sizeof(half));
	desc->addr = le64toh(desc->addr);
	desc->len = le32toh(desc->len);
	desc->flags = le16toh(half[ring->packed]);
	desc->next = le16toh(half[!ring->packed]);
	return 0;
}

/* Pieces to read must come before pieces to write. */
static int add_piece(struct vqueue_request *req, const struct desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;

	if (req->nr == VQUEUE_MAX_PIECES)
		return -EPROTO;
	if (!write && req->nr && req->pieces[req->nr - 1].write)
		return -EPROTO;
	req->pieces[req->nr++] = (struct vqueue_piece) {
		.iova = desc->addr,
		.len = desc->len,
		.write = write,
	};
	return 0;
}

/*
 * Add the descriptors of an indirect table. In a split ring they form a list,
 * in a packed ring all of the table belongs to the request.
 */
static int add_table(struct vqueue *ring, const struct desc *indirect,
		     struct vqueue_request *req)
{
	uint32_t count = indirect->len / DESC_SIZE, index = 0, seen;
	struct desc desc;
	int ret;

	if (!count || indirect->len % DESC_SIZE)
		return -EPROTO;
	for (seen = 0; seen < count; seen++) {
		ret = read_desc(ring, indirect->addr, index, &desc);
		if (ret)
			return ret;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return -EPROTO;
		ret = add_piece(req, &desc);
		if (ret)
			return ret;
		if (!ring->packed && !(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		index = ring->packed ? index + 1 : desc.next;
		if (index >= count && seen + 1 < count)
			return -EPROTO;
	}
	/* The list leads out of the table, or has a loop. */
	return ring->packed ? 0 : -EPROTO;
}

static int pop_split(struct vqueue *ring, struct vqueue_request *req)
{
	const struct virtio_queue *q = ring->queue;
	uint16_t idx, index, seen;
	struct desc desc;
	int ret;

	ret = read16(ring, q->driver + AVAIL_IDX, &idx);
	if (ret)
		return ret;
	if (idx == ring->avail)
		return -EAGAIN;
	if ((uint16_t)(idx - ring->avail) > q->size)
		return -EPROTO;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	ret = read16(ring, q->driver + AVAIL_RING + 2 * (ring->avail % q->size),
		     &index);
	if (ret)
		return ret;
	req->id = index;
	req->slots = 1;
	for (seen = 0; seen < q->size; seen++) {
		if (index >= q->size)
			return -EPROTO;
		ret = read_desc(ring, q->desc, index, &desc);
		if (ret)
			return ret;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			ret = desc.flags & VRING_DESC_F_NEXT ?
				      -EPROTO :
				      add_table(ring, &desc, req);
		else
			ret = add_piece(req, &desc);
		if (ret)
			return ret;
		if (!(desc.flags & VRING_DESC_F_NEXT)) {
			ring->avail++;
			return 0;
		}
		index = desc.next;
	}
	return -EPROTO;
}

static bool is_avail(const struct vqueue *ring, uint16_t flags)
{
	bool avail = flags & 1 << VRING_PACKED_DESC_F_AVAIL;
	bool used = flags & 1 << VRING_PACKED_DESC_F_USED;

	return avail == ring->avail_wrap && used != ring->avail_wrap;
}

/* Advance a position in a packed ring. */
static void advance(const struct vqueue *ring, uint16_t *slot, bool *wrap,
		    uint16_t count)
{
	uint32_t next = (uint32_t)*slot + count;

	if (next >= ring->queue->size) {
		next -= ring->queue->size;
		*wrap = !*wrap;
	}
	*slot = next;
}

static int pop_packed(struct vqueue *ring, struct vqueue_request *req)
{
	const struct virtio_queue *q = ring->queue;
	uint16_t slot = ring->avail;
	bool wrap = ring->avail_wrap;
	struct desc desc;
	int ret;

	ret = read_desc(ring, q->desc, slot, &desc);
	if (ret)
		return ret;
	if (!is_avail(ring, desc.flags))
		return -EAGAIN;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (req->slots = 1; req->slots <= q->size; req->slots++) {
		ret = read_desc(ring, q->desc, slot, &desc);
		if (ret)
			return ret;
		ret = desc.flags & VRING_DESC_F_INDIRECT ?
			      add_table(ring, &desc, req) :
			      add_piece(req, &desc);
		if (ret)
			return ret;
		advance(ring, &slot, &wrap, 1);
		if (!(desc.flags & VRING_DESC_F_NEXT)) {
			req->id = desc.next;
			ring->avail = slot;
			ring->avail_wrap = wrap;
			return 0;
		}
	}
	return -EPROTO;
}

/**
 * vqueue_pop - take the next request from a queue
 * @ring: queue
 * @req: filled in
 *
 * Return: 0; -EAGAIN if the queue is empty; -EPROTO if the driver has corrupted the
 * ring; or the error of the access to memory.
 */
int vqueue_pop(struct vqueue *ring, struct vqueue_request *req)
{
	int ret;

	req->nr = 0;
	ret = ring->packed ? pop_packed(ring, req) : pop_split(ring, req);
	/* The driver must kick when it adds the next request. */
	if (!ret && ring->event_idx && !ring->packed)
		ret = write16(ring,
			      ring->queue->device + USED_RING +
				      8 * ring->queue->size,
			      ring->avail);
	return ret;
}

static int push_split(struct vqueue *ring, const struct vqueue_request *req,
		      uint32_t written)
{
	const struct virtio_queue *q = ring->queue;
	uint32_t entry[2] = { htole32(req->id), htole32(written) };
	int ret;

	ret = write_mem(ring,
			q->device + USED_RING + 8 * (ring->used % q->size),
			entry, sizeof(entry));
	if (ret)
		return ret;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return write16(ring, q->device + USED_IDX, ++ring->used);
}

static int push_packed(struct vqueue *ring, const struct vqueue_request *req,
		       uint32_t written)
{
	uint64_t at = ring->queue->desc + ring->used * DESC_SIZE;
	uint32_t len = htole32(written);
	uint16_t flags = 0;
	int ret;

	if (ring->used_wrap)
		flags = 1 << VRING_PACKED_DESC_F_AVAIL |
			1 << VRING_PACKED_DESC_F_USED;
	if (written)
		flags |= VRING_DESC_F_WRITE;
	ret = write_mem(ring, at + 8, &len, sizeof(len));
	if (!ret)
		ret = write16(ring, at + 12, req->id);
	if (ret)
		return ret;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ret = write16(ring, at + 14, flags);
	advance(ring, &ring->used, &ring->used_wrap, req->slots);
	return ret;
}

/**
 * vqueue_push - return a request, to which @written bytes were written; 0, or
 * the error of the access to memory
 */
int vqueue_push(struct vqueue *ring, const struct vqueue_request *req,
		uint32_t written)
{
	return ring->packed ? push_packed(ring, req, written) :
			      push_split(ring, req, written);
}

/**
 * vqueue_wants_irq - whether the driver wants an interrupt for used buffers
 * @ring: queue
 *
 * With event indexes the driver gets an interrupt for each buffer. It may get
 * too many, but never misses one.
 *
 * Return: 0 or 1, or the error of the access to memory.
 */
int vqueue_wants_irq(struct vqueue *ring)
{
	uint16_t flags;
	int ret;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->packed)
		ret = read16(ring, ring->queue->driver + 2, &flags);
	else
		ret = read16(ring, ring->queue->driver + AVAIL_FLAGS, &flags);
	if (ret)
		return ret;
	if (ring->packed)
		return (flags & 3) != VRING_PACKED_EVENT_FLAG_DISABLE;
	return ring->event_idx || !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}

/**
 * vqueue_gather - copy the readable bytes of a request
 * @ring: queue
 * @req: request
 * @buf: result
 * @size: size of @buf; further bytes of the request are not read
 * @len: set to the number of readable bytes, which may be more than @size
 *
 * Return: 0, or the error of the access to memory.
 */
int vqueue_gather(struct vqueue *ring, const struct vqueue_request *req,
		  void *buf, size_t size, size_t *len)
{
	size_t part, done = 0;
	uint16_t i;
	int ret;

	*len = 0;
	for (i = 0; i < req->nr && !req->pieces[i].write; i++) {
		part = req->pieces[i].len;
		*len += part;
		if (part > size - done)
			part = size - done;
		if (!part)
			continue;
		ret = read_mem(ring, req->pieces[i].iova, (char *)buf + done,
			       part);
		if (ret)
			return ret;
		done += part;
	}
	return 0;
}

/**
 * vqueue_scatter - write the reply to a request
 * @ring: queue
 * @req: request
 * @buf: the data
 * @len: bytes of @buf
 *
 * Return: 0; -EPROTO if the request has no room for the reply; or the error of the
 * access to memory.
 */
int vqueue_scatter(struct vqueue *ring, const struct vqueue_request *req,
		   const void *buf, size_t len)
{
	size_t part;
	uint16_t i;
	int ret;

	for (i = 0; i < req->nr && len; i++) {
		if (!req->pieces[i].write)
			continue;
		part = req->pieces[i].len < len ? req->pieces[i].len : len;
		ret = write_mem(ring, req->pieces[i].iova, buf, part);
		if (ret)
			return ret;
		buf = (const char *)buf + part;
		len -= part;
	}
	return len ? -EPROTO : 0;
}
