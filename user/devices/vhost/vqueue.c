// SPDX-License-Identifier: GPL-2.0
/* Virtqueues, virtio 1.2 sections 2.7 (split) and 2.8 (packed). */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <vhost-user/backend.h>

#include "vqueue.h"

/* Of the available ring: flags, index, entries. */
#define AVAIL_FLAGS 0
#define AVAIL_IDX   2
#define AVAIL_RING  4

/* Of the used ring: likewise, and the index the driver is to kick at. */
#define USED_IDX  2
#define USED_RING 4

#define DESC_SIZE 16

/* Both layouts in one: in a packed ring @next is missing and @id in its place. */
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
 * vqueue_init - start with an empty ring
 * @ring: filled in
 * @mem: stays the caller's
 * @queue: likewise
 * @features: negotiated
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

/** vqueue_base - where it goes on, in the form of vhost-user's SET_VRING_BASE;
 * all that was taken was given back
 */
uint32_t vqueue_base(const struct vqueue *ring)
{
	if (!ring->packed)
		return ring->avail;
	return vhost_packed_base(ring->avail, ring->avail_wrap, ring->used,
				 ring->used_wrap);
}

/** vqueue_set_base - go on there; of a packed ring both indexes are in it */
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

/* Read an entry of a table; for a packed one @next is the buffer's id. */
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

/* What is to be read must stand before what is to be written. */
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

/* A table of descriptors of one request: a list, or when packed, all of it. */
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
	/* A list that leads out of the table, or around in it. */
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

/* Move a position in a packed ring on. */
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
 * vqueue_pop - take the next request
 * @ring: queue
 * @req: filled in
 *
 * Return: 0; -EAGAIN when there is none; -EPROTO when the driver broke the
 * ring; or an errno of the memory.
 */
int vqueue_pop(struct vqueue *ring, struct vqueue_request *req)
{
	int ret;

	req->nr = 0;
	ret = ring->packed ? pop_packed(ring, req) : pop_split(ring, req);
	/* Have the driver kick at the next one. */
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

/** vqueue_push - give a request back; @written bytes were written to it; 0 or
 * an errno of the memory
 */
int vqueue_push(struct vqueue *ring, const struct vqueue_request *req,
		uint32_t written)
{
	return ring->packed ? push_packed(ring, req, written) :
			      push_split(ring, req, written);
}

/**
 * vqueue_wants_irq - whether the driver wants to hear of used buffers
 * @ring: queue
 *
 * With event indexes it is told of each: it may be told too often.
 *
 * Return: 0 or 1, or an errno of the memory.
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
 * vqueue_gather - copy what is to be read
 * @ring: queue
 * @req: request
 * @buf: result
 * @size: of @buf, what is behind it is not read
 * @len: set to the bytes the request has, which may be more
 *
 * Return: 0 or an errno of the memory.
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
 * vqueue_scatter - write the answer
 * @ring: queue
 * @req: request
 * @buf: the data
 * @len: bytes
 *
 * Return: 0; -EPROTO when there is no room for it; or an errno of the memory.
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
