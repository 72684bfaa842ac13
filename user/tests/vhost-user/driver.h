/* SPDX-License-Identifier: GPL-2.0 */
/* A virtio-blk driver with one queue, whose ring and buffers are in a memfd. */
#ifndef TEST_VHOST_DRIVER_H
#define TEST_VHOST_DRIVER_H

#include <linux/virtio_blk.h>
#include <stdbool.h>

#include <vhost-user/backend.h>

#define DRIVER_SLOTS 16 /* requests at the same time */
#define DRIVER_DATA  4096 /* bytes of data per request */
#define DRIVER_NUM   64 /* entries of the ring */

/* The memory: its guest address and size, and offsets of the ring. */
#define DRIVER_GUEST  0x100000000ULL
#define DRIVER_SIZE   (0x10000 + DRIVER_SLOTS * DRIVER_DATA)
#define DRIVER_DESC   0x0000
#define DRIVER_AVAIL  0x1000
#define DRIVER_USED   0x2000
#define DRIVER_STATUS 0x4000

/**
 * struct driver - the driver
 * @packed: the ring is packed
 * @fd: memfd of the memory
 * @mem: the memory
 * @kick: eventfd that the driver signals
 * @call: eventfd that the back end signals
 * @avail: position of the next request to submit: in a split ring an index that does
 *	not wrap at the size of the ring, in a packed ring an entry
 * @used: position of the next used entry, in the form of @avail
 * @avail_wrap: wrap counter of @avail in a packed ring
 * @used_wrap: wrap counter of @used in a packed ring
 * @pending: for each slot, whether the back end has its request
 */
struct driver {
	bool packed;
	int fd;
	uint8_t *mem;
	int kick;
	int call;
	uint16_t avail;
	uint16_t used;
	bool avail_wrap;
	bool used_wrap;
	bool pending[DRIVER_SLOTS];
};

void driver_init(struct driver *d, bool packed);
void driver_free(struct driver *d);

/*
 * Negotiate @features, send memory and ring 0 to the back end; return 0 or
 * -errno.
 */
int driver_start(struct driver *d, struct vhost_backend *b, uint64_t features);
/* Set up the ring only; it continues at @base. */
int driver_start_ring(struct driver *d, struct vhost_backend *b, uint32_t base);
/*
 * Return the back end's position as the driver knows it, for use after a crash.
 */
uint32_t driver_base(const struct driver *d);

/* Fill @buf with DRIVER_DATA bytes that depend on @seed. */
void driver_fill(uint8_t *buf, uint32_t seed);
/* Return the data of a slot. */
uint8_t *driver_data(struct driver *d, unsigned int slot);
/* Return the guest address of a slot's data. */
uint64_t driver_guest(unsigned int slot);
/* Make a request available: VIRTIO_BLK_T_*, and a sector of 512 bytes. */
void driver_submit(struct driver *d, unsigned int slot, uint32_t type,
		   uint64_t sector);
void driver_kick(struct driver *d);
/*
 * Wait for a request to complete and return its slot, -ETIMEDOUT, or -EPROTO if
 * the device used a slot that was not pending.  @status is its VIRTIO_BLK_S_*.
 */
int driver_wait(struct driver *d, int timeout_ms, uint8_t *status);

#endif /* TEST_VHOST_DRIVER_H */
