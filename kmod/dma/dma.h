/* SPDX-License-Identifier: GPL-2.0 */
/* The container of an open device, and the DMA of its server. */
#ifndef VUSER_DMA_H
#define VUSER_DMA_H

#include <linux/ktime.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct vuser_channel;
struct vuser_dma_caller;
struct vuser_dma_ops;
struct vuser_domain;
struct vuser_iommufd_access;
struct vuser_server_map;
struct vuser_settings;

/**
 * struct vuser_dma - the DMA state of a device
 * @settings: settings of the device
 * @chan: the channel to the server that may do DMA.  Written with @lock held for
 *	writing; only open, close and these work items write it
 * @lock: protects @chan, @domain, @server_map and @generation.  Open, close and the work
 *	items that resume the device and replace its server hold it for writing to set
 *	them, and reset to raise @generation.  The server's DMA to pinned memory holds it
 *	for reading while it copies, so it is held for a short time only
 * @domain: the domain of the container, while the device is open; otherwise
 *	NULL
 * @server_map: the server map, while the device is open; otherwise NULL.  Only
 *	open, close and the work item that replaces the server set it, so they read it
 *	without @lock; accesses read it without @lock, too, which that work item waits for
 * @next: the server map of the server that is about to serve the device, or NULL.  Used by
 *	the work item that replaces the server only
 * @generation: raised by open, close and reset.  DMA that waits for the server of
 *	another device ends when it changes.  That DMA also reads it without @lock
 * @access: access to the memory of a consumer that uses iommufd.  Set from bind
 *	to unbind, so it does not change while the device is open.  NULL if the
 *	consumer uses a container
 */
struct vuser_dma {
	const struct vuser_settings *settings;
	struct vuser_channel *chan;
	struct rw_semaphore lock;
	struct vuser_domain *domain;
	struct vuser_server_map *server_map;
	struct vuser_server_map *next;
	u64 generation;
	struct vuser_iommufd_access *access;
};

int vuser_dma_init(const struct vuser_dma_ops *ops);
void vuser_dma_exit(void);

void vuser_dma_prepare(struct vuser_dma *dma,
		       const struct vuser_settings *settings);
int vuser_dma_open(struct vuser_dma *dma, struct vuser_channel *chan);
void vuser_dma_switch(struct vuser_dma *dma, struct vuser_channel *chan);
int vuser_dma_resume(struct vuser_dma *dma);
int vuser_dma_next_open(struct vuser_dma *dma, struct vuser_channel *chan);
void vuser_dma_next_commit(struct vuser_dma *dma, struct vuser_channel *chan);
void vuser_dma_next_abort(struct vuser_dma *dma, struct vuser_channel *chan);
int vuser_dma_reset(struct vuser_dma *dma);
void vuser_dma_join(struct vuser_dma *dma);
void vuser_dma_close(struct vuser_dma *dma, ktime_t deadline);
int vuser_dma_read(struct vuser_dma *dma, struct vuser_dma_caller *caller,
		   u64 iova, void *buf, size_t len);
int vuser_dma_write(struct vuser_dma *dma, struct vuser_dma_caller *caller,
		    u64 iova, const void *buf, size_t len);
u32 vuser_dma_nr_regions(struct vuser_dma *dma);

#endif /* VUSER_DMA_H */
