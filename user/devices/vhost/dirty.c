// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes to the client's memory, for a client that migrates. The
 * back end sets bits in a log that it shares with this process. This process
 * sets the bits of its own writes, and of writes that the back end may not have
 * logged.
 */
#include <errno.h>
#include <stdint.h>

#include "dirty.h"
#include "queue.h"
#include "rings.h"
#include "say.h"

/* The log has a bit for each page up to the highest mapped address. */
static int too_high(const struct vhost_device *dev, int ret)
{
	if (ret == -E2BIG)
		vhost_say(dev,
			  "cannot log writes: memory is mapped up to %#jx, but "
			  "a log ends at %#jx: map the memory lower",
			  (uintmax_t)vhost_dma_end(&dev->dma),
			  (uintmax_t)VHOST_LOG_END);
	return ret;
}

/**
 * vhost_dirty_start - start to log writes; for struct vuser_server_ops
 * @data: the device
 * @page_size: set
 *
 * Return: 0; -E2BIG if memory is mapped too high; or the error of the request
 * to the back end.
 */
int vhost_dirty_start(void *data, uint64_t *page_size)
{
	struct vhost_device *dev = data;
	int ret = vhost_log_start(&dev->log, vhost_dma_end(&dev->dma));

	*page_size = VHOST_LOG_PAGE;
	if (ret)
		return too_high(dev, ret);
	ret = vhost_rings_log(dev);
	if (ret)
		vhost_dirty_stop(dev);
	return ret;
}

/** vhost_dirty_stop - stop logging writes; for struct vuser_server_ops */
void vhost_dirty_stop(void *data)
{
	struct vhost_device *dev = data;

	vhost_log_stop(&dev->log);
	/*
	 * vhost_rings_log() reports errors. After an error the back end continues
	 * to write to its mapping of the old log, which does no harm.
	 */
	vhost_rings_log(dev);
}

/**
 * vhost_dirty_report - report which pages were written; for struct
 * vuser_server_ops
 */
int vhost_dirty_report(void *data, uint64_t iova, uint64_t len,
		       uint64_t page_size, uint64_t *bitmap)
{
	struct vhost_device *dev = data;
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (dev->queues[i].started)
			vhost_queue_mark_dirty(dev, i);
	vhost_log_take(&dev->log, iova, len, page_size, bitmap);
	return 0;
}

/**
 * vhost_dirty_map - extend the log to memory that was mapped
 * @dev: device
 *
 * Return: 0; -E2BIG if memory is mapped too high; or as vhost_log_grow().
 */
int vhost_dirty_map(struct vhost_device *dev)
{
	if (!vhost_log_on(&dev->log))
		return 0;
	return too_high(dev,
			vhost_log_grow(&dev->log, vhost_dma_end(&dev->dma)));
}

/**
 * vhost_dirty_all - log all memory as written, because the writes are unknown
 */
void vhost_dirty_all(struct vhost_device *dev)
{
	const struct vhost_user_region *r;
	uint32_t i;

	for (i = 0; i < dev->dma.nr; i++) {
		r = &dev->dma.regions[i].region;
		vhost_log_mark(&dev->log, r->guest_addr, r->size);
	}
}
