// SPDX-License-Identifier: GPL-2.0
/*
 * Opens and closes a device in a container, or in an I/O address space of
 * iommufd.  While the device is open, copies the data of the DMA_READ and
 * DMA_WRITE commands of its server.
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "dma/access.h"
#include "dma/dma.h"
#include "dma/domain.h"
#include "dma/foreign.h"
#include "dma/iommufd.h"
#include "dma/map.h"
#include "dma/ops.h"
#include "dma/server_map.h"
#include "dma/server_map_state.h"
#include "dma/type1.h"
#include "server/channel.h"
#include "server/serve_dma.h"
#include "vuser.h"

static void vuser_dma_set(struct vuser_dma *dma, struct vuser_domain *dom,
			  struct vuser_server_map *sm)
{
	down_write(&dma->lock);
	dma->domain = dom;
	dma->server_map = sm;
	WRITE_ONCE(dma->generation, dma->generation + 1);
	up_write(&dma->lock);
}

/*
 * Waits until no DMA waits for the server of another device or for memory.  Returns 0 or
 * -EINTR; or -ETIMEDOUT, and marks the channel lost, when such DMA still runs at
 * @deadline.
 */
static int vuser_dma_wait_idle(struct vuser_dma *dma, ktime_t deadline,
			       bool killable)
{
	int ret = vuser_serve_dma_wait_idle(dma->chan, deadline, killable);

	if (ret == -ETIMEDOUT)
		vuser_channel_hang_up(dma->chan, ret, dma->access ?
				      "DMA still waits for memory of the consumer" :
				      "DMA still waits for the server of another device");
	return ret;
}

/*
 * Opens the device in a domain.  Takes over the caller's reference to the
 * domain; on failure drops it.
 */
static int vuser_dma_open_in_domain(struct vuser_dma *dma,
				    struct vuser_domain *dom)
{
	struct vuser_server_map *sm;
	int ret;

	sm = vuser_server_map_open(&dom->map, dma->chan, dma->settings);
	if (!sm) {
		vuser_domain_put(dom);
		return -ENOMEM;
	}
	/*
	 * Set domain and server map before the first DMA_MAP: the server may
	 * access the memory before it replies.
	 */
	vuser_dma_set(dma, dom, sm);
	ret = vuser_server_map_replay(sm);
	if (ret)
		vuser_dma_close(dma,
				vuser_deadline(&dma->settings->close_timeout_ms));
	return ret;
}

/*
 * Opens the device for a consumer that uses iommufd.  The server maps one dma
 * region for all addresses that the consumer may map.  Some servers refuse a
 * dma region of that size, so try smaller dma regions as well.
 */
static int vuser_dma_open_iommufd(struct vuser_dma *dma)
{
	static const u64 last[] = {
		VUSER_LAST_IOVA, BIT_ULL(43) - 1, BIT_ULL(39) - 1,
	};
	struct vuser_domain *dom;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(last); i++) {
		dom = vuser_domain_alloc_iommufd(dma->access, last[i]);
		if (!dom)
			return -ENOMEM;
		ret = vuser_dma_open_in_domain(dma, dom);
		if (ret != -EINVAL && ret != -ENOSPC && ret != -E2BIG)
			return ret;
	}
	return ret;
}

/**
 * vuser_dma_open() - open a device: map the consumer's memory in the server
 * @dma: the state of the device
 * @chan: the device's channel; the server stays attached until the device is
 *	closed
 *
 * Context: process, from open_device(); sleeps killably until the server has
 * replied.
 * Return: 0; -EINVAL when the container has another IOMMU backend; -ENOMEM;
 * -EINTR when killed; -ENOSPC when the server does not accept enough dma
 * regions; -ETIMEDOUT; -ENOTCONN when the server is lost; or the errno with
 * which the server refused.  After 0, the caller must call vuser_dma_close().
 */
int vuser_dma_open(struct vuser_dma *dma, struct vuser_channel *chan)
{
	struct vuser_domain *dom;

	dma->chan = chan;
	if (dma->access)
		return vuser_dma_open_iommufd(dma);
	dom = vuser_type1_device_domain(chan->user.dev);
	if (!dom) {
		dev_warn_ratelimited(chan->user.dev,
				     "cannot open: its container has another IOMMU backend, because a device of another driver was added first; use a separate container for vuser devices\n");
		return -EINVAL;
	}
	return vuser_dma_open_in_domain(dma, dom);
}

/**
 * vuser_dma_switch() - put another channel in the place of a lost one
 * @dma: the state of an open device
 * @chan: the new channel
 *
 * The lost server can do nothing to the consumer's memory any more, except to files of
 * the consumer that it has mapped.
 *
 * Context: process, the work item that resumes the device; may sleep, but does not wait
 * for a server that is not lost.
 */
void vuser_dma_switch(struct vuser_dma *dma, struct vuser_channel *chan)
{
	down_write(&dma->lock);
	dma->chan = chan;
	WRITE_ONCE(dma->generation, dma->generation + 1);
	up_write(&dma->lock);
	vuser_server_map_switch(dma->server_map, chan);
}

/**
 * vuser_dma_resume() - map the consumer's memory in another server
 * @dma: the state of an open device, after vuser_dma_switch()
 *
 * Context: process, the work item that resumes the device; sleeps until the server has
 * replied.
 * Return: as vuser_server_map_resume().
 */
int vuser_dma_resume(struct vuser_dma *dma)
{
	return vuser_server_map_resume(dma->server_map);
}

/**
 * vuser_dma_next_open() - map the consumer's memory in the next server, too
 * @dma: the state of an open device
 * @chan: the channel of the server that is about to serve the device
 *
 * The server in use keeps its server map.  DMA commands of the next server fail until
 * vuser_dma_next_commit().
 *
 * Context: process, the work item that replaces the server; sleeps until the server has
 * replied.
 * Return: 0, and the caller must call vuser_dma_next_commit() or vuser_dma_next_abort(); or
 * as vuser_server_map_replay().
 */
int vuser_dma_next_open(struct vuser_dma *dma, struct vuser_channel *chan)
{
	int ret;

	dma->next = vuser_server_map_open(&dma->domain->map, chan, dma->settings);
	if (!dma->next)
		return -ENOMEM;
	WRITE_ONCE(dma->next->is_next, true);
	ret = vuser_server_map_replay(dma->next);
	if (ret)
		vuser_dma_next_abort(dma, chan);
	return ret;
}

/**
 * vuser_dma_next_commit() - let the next server do DMA, in place of the one in use
 * @dma: the state of an open device, after vuser_dma_next_open()
 * @chan: the channel of the next server
 *
 * The server in use until now can do nothing to the consumer's memory any more, except to
 * files of the consumer that it has mapped.
 *
 * Context: process, the work item that replaces the server; no access uses the server map.
 * The channel of the server in use is ended, and no DMA of it waits.  May sleep, but does
 * not wait for a server that is not lost.
 */
void vuser_dma_next_commit(struct vuser_dma *dma, struct vuser_channel *chan)
{
	struct vuser_server_map *old = dma->server_map;

	down_write(&dma->lock);
	dma->chan = chan;
	dma->server_map = dma->next;
	dma->next = NULL;
	WRITE_ONCE(dma->generation, dma->generation + 1);
	up_write(&dma->lock);
	WRITE_ONCE(dma->server_map->is_next, false);
	vuser_server_map_drop(old);
	vuser_server_map_put(old);
}

/**
 * vuser_dma_next_abort() - unmap the consumer's memory in the next server
 * @dma: the state of an open device, after vuser_dma_next_open()
 * @chan: the channel of the next server, which will not serve the device
 *
 * Context: process, the work item that replaces the server; waits for the next server.
 */
void vuser_dma_next_abort(struct vuser_dma *dma, struct vuser_channel *chan)
{
	vuser_server_map_close(dma->next, vuser_channel_deadline(chan));
	vuser_server_map_put(dma->next);
	dma->next = NULL;
}

/**
 * vuser_dma_join() - give the server the best server map
 * @dma: the state of an open device that does no DMA now, since it is not a bus
 *	master
 *
 * Context: process; sleeps killably until the server has replied.
 */
void vuser_dma_join(struct vuser_dma *dma)
{
	vuser_server_map_join(dma->server_map);
}

/**
 * vuser_dma_reset() - end the DMA before a reset, and improve the server map
 * @dma: the state of an open device that was reset just now, so it starts no DMA
 *
 * DMA that waits for the server of another device, or for memory, was started before
 * the reset.  If it has not ended in the time that the server has for an answer, the
 * channel is marked lost.  Then gives the server the best server map.
 *
 * Context: process, from the reset ioctl; sleeps killably until that DMA has ended
 * and the server has replied.
 * Return: 0; -EINTR when killed; -ETIMEDOUT when DMA has not ended in time.
 */
int vuser_dma_reset(struct vuser_dma *dma)
{
	int ret;

	down_write(&dma->lock);
	WRITE_ONCE(dma->generation, dma->generation + 1);
	up_write(&dma->lock);
	ret = vuser_dma_wait_idle(dma, vuser_channel_deadline(dma->chan), true);
	if (!ret)
		vuser_server_map_join(dma->server_map);
	return ret;
}

/**
 * vuser_dma_close() - close a device: unmap all dma regions in the server
 * @dma: the state of the device
 * @deadline: when to stop waiting for the server
 *
 * At @deadline, a DMA access may still wait: with iommufd for the consumer's memory,
 * or for the server of another device.  Such DMA must not be mixed with that of the
 * next consumer, so the channel is marked lost.
 *
 * Context: process, from close_device(); sleeps, not interruptible.
 */
void vuser_dma_close(struct vuser_dma *dma, ktime_t deadline)
{
	struct vuser_domain *dom = dma->domain;
	struct vuser_server_map *sm = dma->server_map;

	vuser_server_map_close(sm, deadline);
	vuser_dma_set(dma, NULL, NULL);
	if (dma->access && !vuser_iommufd_wait_idle(dma->access, deadline))
		vuser_channel_hang_up(dma->chan, -ETIMEDOUT,
				      "DMA still waits for memory of the consumer that closed the device");
	vuser_dma_wait_idle(dma, deadline, false);
	vuser_server_map_put(sm);
	vuser_domain_put(dom);
}

/*
 * Whether the caller may access the memory of the consumer that has the device open
 * now.  The caller of this function holds the DMA lock.
 */
static bool vuser_dma_allows(struct vuser_dma *dma,
			     const struct vuser_dma_caller *caller)
{
	return dma->domain && dma->chan == caller->chan &&
	       (!caller->wait || dma->generation == caller->generation);
}

/*
 * Copies while the DMA lock is held; or, with @caller->wait, takes a reference to the
 * access or to the domain, and copies without the lock: that copy may wait.
 */
static int vuser_dma_rw(struct vuser_dma *dma, struct vuser_dma_caller *caller,
			u64 iova, void *buf, size_t len, bool write)
{
	struct vuser_iommufd_access *access = NULL;
	struct vuser_domain *dom = NULL;
	int ret = -EFAULT;

	if (!len || iova + len - 1 < iova)
		return -EINVAL;
	down_read(&dma->lock);
	if (!vuser_dma_allows(dma, caller)) {
		up_read(&dma->lock);
		return -EFAULT;
	}
	if (!caller->wait) {
		caller->generation = dma->generation;
		caller->memory = dma->domain->access;
		ret = caller->memory ? -EAGAIN :
				       vuser_map_rw(&dma->domain->map, iova,
						    buf, len, write);
	} else if (dma->domain->access) {
		access = dma->domain->access;
		vuser_iommufd_begin(access);
	} else {
		dom = dma->domain;
		kref_get(&dom->ref);
	}
	up_read(&dma->lock);
	if (access) {
		ret = vuser_iommufd_rw(access, iova, buf, len, write);
		vuser_iommufd_end(access);
	}
	if (dom) {
		ret = vuser_access_rw(&dom->map, &dma->generation, caller, iova,
				      buf, len, write);
		vuser_domain_put(dom);
	}
	return ret;
}

/**
 * vuser_dma_read() - copy from the memory of the consumer
 * @dma: the state of the device
 * @caller: the channel of the server; and whether to wait for the consumer's memory
 *	with iommufd, and for the server of another device if the memory includes trapped
 *	registers of that device
 * @iova: address of the memory
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: process, without locks.  The thread that reads the socket holds the
 * socket's rx_lock, and does not set @caller->wait.  May sleep.  Without
 * @caller->wait, does not wait for user space.  With @caller->wait and iommufd, may
 * wait for the consumer's memory without a time limit, and does not hold the DMA lock
 * during that wait.
 * Return: 0; -EINVAL when @len is 0 or the range wraps; -EFAULT when an address
 * is not mapped, or the device is not open, or open with another channel; -EACCES
 * when the consumer did not map the memory for reading; -EAGAIN without
 * @caller->wait, when the memory includes trapped registers or belongs to iommufd:
 * nothing was copied, and @caller->generation and @caller->memory are set; with
 * @caller->wait -EFAULT when the device was closed or reset since then, or an error of
 * vuser_access_rw(); or an error of iommufd.
 */
int vuser_dma_read(struct vuser_dma *dma, struct vuser_dma_caller *caller,
		   u64 iova, void *buf, size_t len)
{
	return vuser_dma_rw(dma, caller, iova, buf, len, false);
}

/**
 * vuser_dma_write() - copy to the memory of the consumer
 * @dma: the state of the device
 * @caller: as in vuser_dma_read()
 * @iova: address of the memory
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: as vuser_dma_read().
 * Return: as vuser_dma_read(); -EACCES when the consumer did not map the memory
 * for writing.
 */
int vuser_dma_write(struct vuser_dma *dma, struct vuser_dma_caller *caller,
		    u64 iova, const void *buf, size_t len)
{
	return vuser_dma_rw(dma, caller, iova, (void *)buf, len, true);
}

/**
 * vuser_dma_nr_regions() - count the dma regions that the server has mapped
 * @dma: the state of the device
 *
 * Does not take the lock of the server map, because other threads hold that
 * lock while they wait for the server.
 *
 * Context: process; may sleep, but does not wait for a server.
 * Return: the number of dma regions; 0 when the device is not open.
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
 * vuser_dma_prepare() - initialise the state of a new device
 * @dma: zeroed
 * @settings: settings of the device; must live as long as @dma
 *
 * Context: any.
 */
void vuser_dma_prepare(struct vuser_dma *dma,
		       const struct vuser_settings *settings)
{
	init_rwsem(&dma->lock);
	dma->settings = settings;
}

/**
 * vuser_dma_init() - register the IOMMU backend with VFIO
 * @ops: functions of the layers above; must live until vuser_dma_exit()
 *
 * Context: process, when the module is loaded.
 * Return: 0 or a negative errno.
 */
int __init vuser_dma_init(const struct vuser_dma_ops *ops)
{
	vuser_foreign_init(ops);
	return vuser_type1_init(ops->owns);
}

/**
 * vuser_dma_exit() - unregister the IOMMU backend
 *
 * Context: process, when the module is unloaded; no container uses the backend
 * any more.
 */
void vuser_dma_exit(void)
{
	vuser_type1_exit();
}
