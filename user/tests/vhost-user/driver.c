// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../libbase/deadline.h"
#include "driver.h"

/* Offsets in the memory; the parts of a ring are aligned to pages. */
#define DESC	DRIVER_DESC
#define AVAIL	DRIVER_AVAIL
#define USED	DRIVER_USED
#define HEADERS 0x3000
#define STATUS	DRIVER_STATUS
#define DATA	0x10000
#define SIZE	DRIVER_SIZE

/*
 * Guest and user addresses differ. Buffers have guest addresses, rings have user
 * addresses.
 */
#define GUEST DRIVER_GUEST
#define USER  0x7f0000000000ULL

#define PER_REQUEST 3 /* header, data, status */

#define load_acquire(p)	    __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

static struct vring_avail *avail_of(struct driver *d)
{
	return (struct vring_avail *)(d->mem + AVAIL);
}

static struct vring_used *used_of(struct driver *d)
{
	return (struct vring_used *)(d->mem + USED);
}

static struct vring_desc *split_of(struct driver *d)
{
	return (struct vring_desc *)(d->mem + DESC);
}

static struct vring_packed_desc *packed_of(struct driver *d)
{
	return (struct vring_packed_desc *)(d->mem + DESC);
}

void driver_init(struct driver *d, bool packed)
{
	memset(d, 0, sizeof(*d));
	d->packed = packed;
	d->avail_wrap = true;
	d->used_wrap = true;
	d->fd = memfd_create("guest", MFD_CLOEXEC);
	if (ftruncate(d->fd, SIZE))
		abort();
	d->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	if (d->mem == MAP_FAILED)
		abort();
	d->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void driver_free(struct driver *d)
{
	munmap(d->mem, SIZE);
	close(d->fd);
	close(d->kick);
	close(d->call);
}

int driver_start_ring(struct driver *d, struct vhost_backend *b, uint32_t base)
{
	const struct vhost_vring_addr addr = {
		.desc_user_addr = USER + DESC,
		.avail_user_addr = USER + AVAIL,
		.used_user_addr = USER + USED,
	};
	int ret = vhost_backend_set_vring_num(b, 0, DRIVER_NUM);

	if (!ret)
		ret = vhost_backend_set_vring_base(b, 0, base);
	if (!ret)
		ret = vhost_backend_set_vring_addr(b, &addr);
	if (!ret)
		ret = vhost_backend_set_vring_call(b, 0, d->call);
	if (!ret)
		ret = vhost_backend_set_vring_kick(b, 0, d->kick);
	if (!ret)
		ret = vhost_backend_set_vring_enable(b, 0, true);
	return ret;
}

int driver_start(struct driver *d, struct vhost_backend *b, uint64_t features)
{
	const struct vhost_region memory = {
		.region = { .guest_addr = GUEST,
			    .user_addr = USER,
			    .size = SIZE },
		.fd = d->fd,
	};
	int ret;

	if (d->packed)
		features |= 1ULL << VIRTIO_F_RING_PACKED;
	ret = vhost_backend_set_features(b, features);
	if (!ret &&
	    vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		ret = vhost_backend_add_mem_reg(b, &memory);
	else if (!ret)
		ret = vhost_backend_set_mem_table(b, &memory, 1);
	return ret ?: driver_start_ring(d, b, driver_base(d));
}

uint32_t driver_base(const struct driver *d)
{
	/*
	 * Requests that are available but not used are in flight, or the back end
	 * has not seen them yet.
	 */
	if (!d->packed)
		return d->used;
	return vhost_packed_base(d->used, d->used_wrap, d->used, d->used_wrap);
}

void driver_fill(uint8_t *buf, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < DRIVER_DATA; i += 4)
		memcpy(buf + i, &(uint32_t) { seed ^ i * 2654435761U }, 4);
}

uint8_t *driver_data(struct driver *d, unsigned int slot)
{
	return d->mem + DATA + slot * DRIVER_DATA;
}

uint64_t driver_guest(unsigned int slot)
{
	return GUEST + DATA + slot * DRIVER_DATA;
}

static void submit_split(struct driver *d, unsigned int slot,
			 const struct vring_desc *desc)
{
	unsigned int head = slot * PER_REQUEST, i;
	struct vring_avail *avail = avail_of(d);

	for (i = 0; i < PER_REQUEST; i++) {
		split_of(d)[head + i] = desc[i];
		split_of(d)[head + i].next = head + i + 1;
	}
	avail->ring[d->avail % DRIVER_NUM] = head;
	d->avail++;
	store_release(&avail->idx, d->avail);
}

static void submit_packed(struct driver *d, unsigned int slot,
			  const struct vring_desc *desc)
{
	struct vring_packed_desc *ring = packed_of(d);
	unsigned int first = d->avail, i;
	uint16_t flags, first_flags = 0;

	for (i = 0; i < PER_REQUEST; i++) {
		flags = desc[i].flags |
			(d->avail_wrap ? 1 << VRING_PACKED_DESC_F_AVAIL :
					 1 << VRING_PACKED_DESC_F_USED);
		ring[d->avail].addr = desc[i].addr;
		ring[d->avail].len = desc[i].len;
		ring[d->avail].id = slot;
		if (i)
			ring[d->avail].flags = flags;
		else
			first_flags = flags;
		if (++d->avail == DRIVER_NUM) {
			d->avail = 0;
			d->avail_wrap = !d->avail_wrap;
		}
	}
	/* The flags of the first descriptor make all of them available. */
	store_release(&ring[first].flags, first_flags);
}

void driver_submit(struct driver *d, unsigned int slot, uint32_t type,
		   uint64_t sector)
{
	const struct virtio_blk_outhdr hdr = { .type = type, .sector = sector };
	const struct vring_desc desc[PER_REQUEST] = {
		{ GUEST + HEADERS + slot * sizeof(hdr), sizeof(hdr),
		  VRING_DESC_F_NEXT, 0 },
		{ driver_guest(slot), DRIVER_DATA,
		  VRING_DESC_F_NEXT |
			  (type == VIRTIO_BLK_T_IN ? VRING_DESC_F_WRITE : 0),
		  0 },
		{ GUEST + STATUS + slot, 1, VRING_DESC_F_WRITE, 0 },
	};

	memcpy(d->mem + HEADERS + slot * sizeof(hdr), &hdr, sizeof(hdr));
	d->mem[STATUS + slot] = 0xff;
	d->pending[slot] = true;
	if (d->packed)
		submit_packed(d, slot, desc);
	else
		submit_split(d, slot, desc);
}

void driver_kick(struct driver *d)
{
	if (eventfd_write(d->kick, 1))
		abort();
}

/* Return the slot of the next used entry, or -EAGAIN. */
static int next_split(struct driver *d)
{
	struct vring_used *used = used_of(d);
	uint32_t id;

	if (load_acquire(&used->idx) == d->used)
		return -EAGAIN;
	id = used->ring[d->used % DRIVER_NUM].id;
	d->used++;
	return id % PER_REQUEST ? -EPROTO : (int)(id / PER_REQUEST);
}

static int next_packed(struct driver *d)
{
	struct vring_packed_desc *entry = &packed_of(d)[d->used];
	uint16_t flags = load_acquire(&entry->flags);
	bool avail = flags & 1 << VRING_PACKED_DESC_F_AVAIL;
	bool used = flags & 1 << VRING_PACKED_DESC_F_USED;

	if (avail != used || used != d->used_wrap)
		return -EAGAIN;
	d->used += PER_REQUEST;
	if (d->used >= DRIVER_NUM) {
		d->used -= DRIVER_NUM;
		d->used_wrap = !d->used_wrap;
	}
	return entry->id;
}

int driver_wait(struct driver *d, int timeout_ms, uint8_t *status)
{
	struct pollfd pfd = { .fd = d->call, .events = POLLIN };
	int64_t deadline = vu_deadline_after(timeout_ms);
	eventfd_t value;
	int slot;

	for (;;) {
		slot = d->packed ? next_packed(d) : next_split(d);
		if (slot != -EAGAIN)
			break;
		slot = vu_deadline_poll(&pfd, 1, deadline);
		if (slot)
			return slot;
		eventfd_read(d->call, &value);
	}
	if (slot < 0 || slot >= DRIVER_SLOTS || !d->pending[slot])
		return -EPROTO;
	d->pending[slot] = false;
	*status = d->mem[STATUS + slot];
	return slot;
}
