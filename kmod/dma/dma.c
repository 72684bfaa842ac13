// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA of a device: opening and closing it in a container or an I/O address
 * space, and what its server reads and writes by message meanwhile.
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "dma/backing.h"
#include "dma/dma.h"
#include "dma/domain.h"
#include "dma/iommufd.h"
#include "dma/map.h"
#include "dma/server_map.h"
#include "dma/type1.h"
#include "server/channel.h"
#include "vuser.h"

static void vuser_dma_set(struct vuser_dma *dma, struct vuser_domain *dom,
			  struct vuser_server_map *sm)
{
	down_write(&dma->lock);
	dma->domain = dom;
	dma->server_map = sm;
	up_write(&dma->lock);
}

/* Opens in a domain, whose reference becomes the device's, or is dropped. */
static int vuser_dma_enter(struct vuser_dma *dma, struct vuser_domain *dom)
{
	struct vuser_server_map *sm;
	int ret;

	sm = vuser_server_map_open(&dom->map, dma->chan, dma->settings);
	if (!sm) {
		vuser_domain_put(dom);
		return -ENOMEM;
	}
	/* First, since the server may use the map before it has answered. */
	vuser_dma_set(dma, dom, sm);
	ret = vuser_server_map_replay(sm);
	if (ret)
		vuser_dma_close(dma,
				vuser_deadline(&dma->settings->close_timeout_ms));
	return ret;
}

/*
 * By iommufd: the server maps one region, of all that the consumer may map.
 * Servers do not expect a region as large as that, so offer a smaller one when the
 * server refuses it.
 */
static int vuser_dma_open_unseen(struct vuser_dma *dma)
{
	static const u64 last[] = {
		VUSER_LAST_IOVA, BIT_ULL(43) - 1, BIT_ULL(39) - 1,
	};
	struct vuser_domain *dom;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(last); i++) {
		dom = vuser_domain_alloc_unseen(dma->access, last[i]);
		if (!dom)
			return -ENOMEM;
		ret = vuser_dma_enter(dma, dom);
		if (ret != -EINVAL && ret != -ENOSPC && ret != -E2BIG)
			return ret;
	}
	return ret;
}

/**
 * vuser_dma_open() - a device opens: map in its server what is mapped
 * @dma: of the device
 * @chan: the device's channel; the device does not detach before the close
 *
 * Context: process, from open_device(); sleeps for the server, killably.
 * Return: 0; -EINVAL when the group's container is not ours; -ENOMEM; -EINTR;
 * or why the server refused.  Only after 0 vuser_dma_close() is needed.
 */
int vuser_dma_open(struct vuser_dma *dma, struct vuser_channel *chan)
{
	struct vuser_domain *dom;

	dma->chan = chan;
	if (dma->access)
		return vuser_dma_open_unseen(dma);
	dom = vuser_type1_device_domain(chan->user.dev);
	if (!dom) {
		dev_warn_ratelimited(chan->user.dev,
				     "cannot open: its container has another IOMMU backend, since a device that is not vuser's was there first; use a container of its own\n");
		return -EINVAL;
	}
	return vuser_dma_enter(dma, dom);
}

/**
 * vuser_dma_close() - a device closes: its server unmaps everything
 * @dma: of the device
 * @deadline: when to give up and go on without the server
 *
 * If a DMA then still waits for memory of a consumer that came by iommufd, the
 * channel ends: the thread that waits cannot read it for the next consumer.
 *
 * Context: process, from close_device(); not interruptible.
 */
void vuser_dma_close(struct vuser_dma *dma, ktime_t deadline)
{
	struct vuser_domain *dom = dma->domain;
	struct vuser_server_map *sm = dma->server_map;

	vuser_server_map_close(sm, deadline);
	vuser_dma_set(dma, NULL, NULL);
	if (dma->access && !vuser_iommufd_idle(dma->access, deadline))
		vuser_channel_hang_up(dma->chan, -ETIMEDOUT,
				      "DMA waits for memory of a consumer that closes");
	vuser_server_map_put(sm);
	vuser_domain_put(dom);
}

static int vuser_dma_rw(struct vuser_dma *dma, u64 iova, void *buf, size_t len,
			bool write)
{
	struct vuser_iommufd_access *access = NULL;
	int ret = -EFAULT;

	if (!len || iova + len - 1 < iova)
		return -EINVAL;
	down_read(&dma->lock);
	if (dma->domain) {
		access = dma->domain->access;
		if (access)
			vuser_iommufd_begin(access);
		else
			ret = vuser_map_rw(&dma->domain->map, iova, buf, len,
					   write);
	}
	up_read(&dma->lock);
	if (access) {
		ret = vuser_iommufd_rw(access, iova, buf, len, write);
		vuser_iommufd_end(access);
	}
	return ret;
}

/**
 * vuser_dma_read() - copy from the memory of the open consumer
 * @dma: of the device
 * @iova: where
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: process; a reader of the socket, with no other lock.  Waits for
 * nobody, except for memory of a consumer that came by iommufd; then without a
 * lock that others need.
 * Return: 0, -EINVAL, -EFAULT where nothing is mapped, -EACCES, or iommufd's
 * error.
 */
int vuser_dma_read(struct vuser_dma *dma, u64 iova, void *buf, size_t len)
{
	return vuser_dma_rw(dma, iova, buf, len, false);
}

/**
 * vuser_dma_write() - copy to the memory of the open consumer
 * @dma: of the device
 * @iova: where
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: as vuser_dma_read().
 * Return: as vuser_dma_read().
 */
int vuser_dma_write(struct vuser_dma *dma, u64 iova, const void *buf,
		    size_t len)
{
	return vuser_dma_rw(dma, iova, (void *)buf, len, true);
}

/**
 * vuser_dma_nr_regions() - how many DMA regions the server has mapped
 * @dma: of the device
 *
 * It does not take the lock of the server map, which is held while the server is
 * waited for.
 *
 * Context: process; waits for no server.
 */
u32 vuser_dma_nr_regions(struct vuser_dma *dma)
{
	u32 nr = 0;

	down_read(&dma->lock);
	if (dma->server_map)
		nr = READ_ONCE(dma->server_map->nr);
	up_read(&dma->lock);
	return nr;
}

/**
 * vuser_dma_prepare() - prepare a device that is not open
 * @dma: zeroed
 * @settings: of the device; stay as long as @dma
 */
void vuser_dma_prepare(struct vuser_dma *dma,
		       const struct vuser_settings *settings)
{
	init_rwsem(&dma->lock);
	dma->settings = settings;
}

/**
 * vuser_dma_init() - offer containers to VFIO
 * @ops: what the layers above know; stays
 *
 * Return: 0 or a negative errno.
 */
int __init vuser_dma_init(const struct vuser_dma_ops *ops)
{
	vuser_backing_init(ops->mapped_page);
	return vuser_type1_init(ops->owns);
}

/**
 * vuser_dma_exit() - take the containers back; nothing uses one any more
 */
void vuser_dma_exit(void)
{
	vuser_type1_exit();
}
