/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random use of the module from all sides at once: processes that are
 * consumers, servers, and an administrator who does not wait for either.
 */
#ifndef RANDOM_RANDOM_H
#define RANDOM_RANDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../lib/fuse.h"
#include "../lib/testdev.h"
#include "../lib/vfio.h"

#define NR_DEVICES 3
#define PAGE	   0x1000UL

/* What was done, for people, and for a test that nothing was. */
enum did {
	DID_OPEN,
	DID_IOCTL,
	DID_IRQS,
	DID_ACCESS,
	DID_MMAP,
	DID_LOAD,
	DID_STORE,
	DID_FAULT,
	DID_DMA_MAP,
	DID_DMA_HUGE,
	DID_DMA_USERFAULT,
	DID_DMA_FUSE,
	DID_DMA_UNMAP,
	DID_CONTAINER,
	DID_IOMMUFD,
	DID_FORK,
	DID_KILL,
	DID_COMMAND,
	DID_RESTART,
	DID_REMOVE,
	DID_SETTING,
	DID_HELPER,
	DID_NETLINK,
	NR_DID
};

extern const char *const did_names[NR_DID];

/* Shared by all processes. */
struct world {
	char uuid[NR_DEVICES][UUID_LEN + 1];
	char socket[NR_DEVICES][64];
	atomic_bool stop;
	atomic_bool recreated[NR_DEVICES]; /* being */
	atomic_ulong did[NR_DID];
	struct fuse fuse; /* memory that a server of its own brings in */
	/* the wait status of a consumer that should not have ended so */
	atomic_int bad_end;
};

extern struct world *world;

static inline void did(enum did what)
{
	atomic_fetch_add_explicit(&world->did[what], 1, memory_order_relaxed);
}

/* Numbers of one thread. */
struct dice {
	uint64_t state;
};

void dice_seed(struct dice *dice, uint64_t seed, uint64_t who);
uint64_t roll(struct dice *dice);
/* Less than @n. */
uint32_t pick(struct dice *dice, uint32_t n);
/* Once in @n times. */
static inline bool once_in(struct dice *dice, uint32_t n)
{
	return !pick(dice, n);
}
/* A number that is small, at some limit, or any. */
uint64_t odd_number(struct dice *dice);
/* Sleeps for up to @ms, times SLOWNESS. */
void doze(struct dice *dice, unsigned int ms);

/* Each is a process of its own, and returns when the world stops. */
void consumer_run(struct dice *dice, unsigned int device);
void server_run(struct dice *dice, unsigned int device);
void admin_run(struct dice *dice);
void netlink_run(struct dice *dice, unsigned int device);

/* A device as the test creates it; 0 or -errno. */
int device_create(unsigned int device);

/* access.c: mappings of a device's regions, one set for a thread. */
#define NR_VIEWS 6

struct views {
	struct view {
		char *mem;
		size_t size;
	} view[NR_VIEWS];
};

void views_init(void);
/* One random thing with the mappings of the device file @fd. */
void views_step(struct dice *dice, struct views *views, int fd);
/* Memory of one of them, NULL where there is none. */
char *views_any(struct dice *dice, struct views *views, size_t *size);
void views_clear(struct views *views);

/* memory.c: what a consumer maps for DMA. */
enum memory {
	MEMORY_ANON,
	MEMORY_FILE,
	MEMORY_READ_ONLY,
	MEMORY_HUGE,
	MEMORY_USERFAULT,
	MEMORY_FUSE,
	NR_MEMORY
};

/* Once for a process that consumes. */
void memory_init(struct dice *dice);
/* @size bytes of any kind, NULL where there are none of it. */
char *memory_any(struct dice *dice, size_t size, enum memory *kind);
/* Notes that a map of it was made. */
void memory_did(enum memory kind);

/* iommufd.c */
bool iommufd_exists(void);
/* Opens the device so, with its I/O address space; 0 or an error. */
int iommufd_open(const char *uuid, struct vfio_dev *dev, uint32_t *ioas);
/* One random thing with that address space. */
void ioas_step(struct dice *dice, const struct vfio_dev *dev, uint32_t ioas);

/* device.c: one random call on the device or its container. */
void device_step(struct dice *dice, int fd);
void container_step(struct dice *dice, const struct vfio_dev *dev);
void dma_step(struct dice *dice, int container, struct views *views);

#endif /* RANDOM_RANDOM_H */
