/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random use of the module from all sides at once: processes that act as
 * consumers, servers and an administrator.
 */
#ifndef RANDOM_RANDOM_H
#define RANDOM_RANDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../lib/dice.h"
#include "../lib/fuse.h"
#include "../lib/testdev.h"
#include "../lib/vfio.h"

#define NR_DEVICES 3
#define PAGE	   0x1000UL

/* Kinds of actions, counted so that the test can check that each was done. */
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
	DID_STOP,
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
	atomic_bool recreated[NR_DEVICES]; /* a recreation is in progress */
	atomic_ulong did[NR_DID];
	struct fuse fuse; /* a file whose pages a server fills */
	/* the wait status of a consumer that ended abnormally */
	atomic_int bad_end;
};

extern struct world *world;

static inline void did(enum did what)
{
	atomic_fetch_add_explicit(&world->did[what], 1, memory_order_relaxed);
}

/* Sleeps for a random time of up to @ms, times SLOWNESS. */
void doze(struct dice *dice, unsigned int ms);

/* Creates the devices and starts the FUSE server; says what it could not do. */
void world_start(void);
/* Removes the devices; whether all are gone. */
bool world_remove(void);

/* Starts a process, which dies together with the test. */
pid_t crew_start(void (*run)(struct dice *dice, unsigned int device),
		 unsigned long seed, unsigned int stream, unsigned int device);
/* Waits until all processes have ended; whether they ended normally in time. */
bool crew_end(pid_t *pids, unsigned int nr);

/* Each function runs in its own process, and returns when the test stops. */
void consumer_run(struct dice *dice, unsigned int device);
void server_run(struct dice *dice, unsigned int device);
void admin_run(struct dice *dice, unsigned int device);
void netlink_run(struct dice *dice, unsigned int device);

/* Creates a device with the settings of the test; 0 or -errno. */
int device_create(unsigned int device);

/* access.c: mappings of a device's regions, one set per thread. */
#define NR_VIEWS 6

struct views {
	struct view {
		char *mem;
		size_t size;
	} view[NR_VIEWS];
};

void views_init(void);
/* Does one random action with the mappings of the device file @fd. */
void views_step(struct dice *dice, struct views *views, int fd);
/* Memory of a random mapping, NULL if there is none. */
char *views_any(struct dice *dice, struct views *views, size_t *size);
void views_clear(struct views *views);

/* memory.c: the kinds of memory that a consumer maps for DMA. */
enum memory {
	MEMORY_ANON,
	MEMORY_FILE,
	MEMORY_READ_ONLY,
	MEMORY_HUGE,
	MEMORY_USERFAULT,
	MEMORY_FUSE,
	NR_MEMORY
};

/* Call once per consumer process. */
void memory_init(struct dice *dice);
/* @size bytes of a random kind, NULL if none are available. */
char *memory_any(struct dice *dice, size_t size, enum memory *kind);
/* Counts a map of this kind. */
void memory_did(enum memory kind);

/* iommufd.c */
bool iommufd_exists(void);
/* Opens the device with iommufd and an I/O address space; 0 or an error. */
int iommufd_open(const char *uuid, struct vfio_dev *dev, uint32_t *ioas);
/* Does one random action with the address space. */
void ioas_step(struct dice *dice, const struct vfio_dev *dev, uint32_t ioas);

/* device.c: one random call on the device or its container. */
void device_step(struct dice *dice, int fd);
void container_step(struct dice *dice, const struct vfio_dev *dev);
void dma_step(struct dice *dice, int container, struct views *views);

#endif /* RANDOM_RANDOM_H */
