// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes that the server of an open device keeps.
 *
 * While the writes to the memory of a container are logged, each server gets
 * DMA_LOGGING_START, and its reports are added to the dirty bitmaps of the mappings.  All
 * writable memory in question counts as written if the writes are not known: the server cannot
 * log, refuses a report, sends a malformed one, or is lost.
 *
 * A report covers a whole dma region if its bitmap fits into a message: libvfio-user reports
 * only from the start of a dma region.
 */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "dma/map_log.h"
#include "dma/server_log.h"
#include "dma/server_map_state.h"
#include "server/cmd_log.h"

/* Marks the writable memory of a range as written, because the writes are not known. */
static void vuser_server_log_unknown(struct vuser_server_map *sm, u64 first, u64 last)
{
	vuser_map_log_mark(sm->dmap, first, last);
}

static bool vuser_server_log_usable(struct vuser_server_map *sm)
{
	return sm->chan && !vuser_server_map_closing(sm) && !vuser_server_map_lost(sm);
}

/* Starting and stopping ---------------------------------------------------------- */

static bool vuser_server_log_may_log(struct vuser_server_map *sm)
{
	return sm->logs == VUSER_SERVER_LOGS || sm->logs == VUSER_SERVER_LOGS_MAYBE;
}

/* Sends DMA_LOGGING_START. */
static int vuser_server_log_send_start(struct vuser_server_map *sm)
{
	ktime_t deadline = vuser_channel_deadline(sm->chan);
	int ret = vuser_cmd_log_start(sm->chan, &sm->log_page);

	/* The server logs already if the thread that sent STOP was killed. */
	if (ret == -EBUSY) {
		ret = vuser_cmd_log_stop(sm->chan, deadline, true);
		if (!ret)
			ret = vuser_cmd_log_start(sm->chan, &sm->log_page);
	}
	if (ret == -EIO && vuser_cmd_log_stop(sm->chan, deadline, true) == -EINTR)
		ret = -EINTR;
	return ret;
}

/**
 * vuser_server_log_begin() - start the log of a server, if writes are logged
 * @sm: the server map
 *
 * Does nothing if the server has refused before.
 *
 * Context: process; sleeps killably until the server has replied; the lock of the server map
 * is held.
 * Return: 0, also when the server refuses or is lost; -EINTR when killed.
 */
int vuser_server_log_begin(struct vuser_server_map *sm)
{
	int ret;

	if (!READ_ONCE(sm->dmap->logged) || sm->logs == VUSER_SERVER_LOGS ||
	    sm->logs == VUSER_SERVER_LOGS_NEVER)
		return 0;
	ret = vuser_server_log_send_start(sm);
	if (vuser_server_map_killed(ret)) {
		sm->logs = VUSER_SERVER_LOGS_MAYBE;
		return ret;
	}
	if (!ret) {
		sm->log_page = max_t(u64, sm->log_page, PAGE_SIZE);
		sm->logs = VUSER_SERVER_LOGS;
	} else if (ret != -ENOMEM && !vuser_server_map_lost(sm)) {
		dev_info_ratelimited(sm->chan->user.dev,
				     "server does not log its writes (%d): all memory that it may write counts as written\n",
				     ret);
		sm->logs = VUSER_SERVER_LOGS_NEVER;
	}
	return 0;
}

/**
 * vuser_server_log_drop() - drop the log of a server, because it is lost or replaced
 * @sm: the server map; the server cannot do DMA any more
 *
 * Marks all writable memory as written.
 *
 * Context: process; may sleep, but does not wait for a server; the lock of the server map is
 * held.
 */
void vuser_server_log_drop(struct vuser_server_map *sm)
{
	vuser_server_log_unknown(sm, 0, ULONG_MAX);
	sm->logs = VUSER_SERVER_LOGS_NOT;
}

/**
 * vuser_server_log_end() - stop the log of a server, because the device is closed
 * @sm: the server map, without dma regions
 * @deadline: when to stop waiting for the server; the channel is then lost
 *
 * Marks all writable memory as written.
 *
 * Context: process; sleeps, not interruptible; the lock of the server map is held.
 */
void vuser_server_log_end(struct vuser_server_map *sm, ktime_t deadline)
{
	if (vuser_server_log_may_log(sm))
		vuser_cmd_log_stop(sm->chan, deadline, false);
	vuser_server_log_drop(sm);
}

/**
 * vuser_server_log_start() - START: start the log of the server of a device
 * @sm: the server map
 *
 * Context: process; sleeps killably until the server has replied; takes @sm->lock.
 * Return: 0, also when the server refuses, is lost or the device is closed; -EINTR when killed.
 */
int vuser_server_log_start(struct vuser_server_map *sm)
{
	int ret = 0;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (vuser_server_log_usable(sm))
		ret = vuser_server_log_begin(sm);
	vuser_server_map_unlock(sm);
	return ret;
}

/**
 * vuser_server_log_stop() - STOP: stop the log of the server of a device
 * @sm: the server map
 *
 * Context: process; sleeps killably until the server has replied; takes @sm->lock.
 * Return: 0, also when the server refuses, is lost or the device is closed; -EINTR when killed.
 */
int vuser_server_log_stop(struct vuser_server_map *sm)
{
	int ret = 0;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (vuser_server_log_may_log(sm) && vuser_server_log_usable(sm))
		ret = vuser_cmd_log_stop(sm->chan, vuser_channel_deadline(sm->chan), true);
	if (vuser_server_map_killed(ret)) {
		sm->logs = VUSER_SERVER_LOGS_MAYBE;
	} else {
		sm->logs = VUSER_SERVER_LOGS_NOT;
		ret = 0;
	}
	vuser_server_map_unlock(sm);
	return ret;
}

/* Reports ------------------------------------------------------------------------ */

/* Marks the pages of a report, which the server has written. */
static void vuser_server_log_mark(struct vuser_server_map *sm,
				  const struct vuser_log_report *report)
{
	unsigned long from, to;

	for (from = find_first_bit(report->bitmap, report->nr); from < report->nr;
	     from = find_next_bit(report->bitmap, report->nr, to)) {
		to = find_next_zero_bit(report->bitmap, report->nr, from);
		vuser_map_log_mark(sm->dmap, report->iova + from * report->page,
				   report->iova + to * report->page - 1);
	}
}

/* Gets a report of at most vuser_cmd_log_max() pages.  Returns 0 or -EINTR. */
static int vuser_server_log_get(struct vuser_server_map *sm, void *buf, u64 first, u64 last)
{
	struct vuser_log_report report = {
		.iova = round_down(first, sm->log_page),
		.page = sm->log_page,
		.buf = buf,
	};
	int ret;

	report.nr = (last - report.iova) / report.page + 1;
	ret = vuser_cmd_log_report(sm->chan, &report);
	if (!ret) {
		vuser_server_log_mark(sm, &report);
		return 0;
	}
	/* If the thread was killed, the server may have cleared its log. */
	vuser_server_log_unknown(sm, first, last);
	return vuser_server_map_killed(ret) ? ret : 0;
}

/*
 * Gets the reports for a dma region, or for the mapped memory from @first to @last in it.
 * Returns 0; -EINTR; or -ENODEV when the device is being closed.
 */
static int vuser_server_log_get_region(struct vuser_server_map *sm, void *buf, u64 start,
				       u64 end, u64 first, u64 last)
{
	u64 step = vuser_cmd_log_max(sm->chan) * sm->log_page;
	u64 to;
	int ret = 0;

	if (end - round_down(start, sm->log_page) < step)
		return vuser_server_log_get(sm, buf, start, end);
	first = max(first, start);
	last = min(last, end);
	while (!ret && vuser_map_log_next(sm->dmap, &first, last)) {
		if (vuser_server_map_closing(sm))
			return -ENODEV;
		to = min(last, round_down(first, sm->log_page) + step - 1);
		ret = vuser_server_log_get(sm, buf, first, to);
		first = to + 1;
		cond_resched();
	}
	return ret;
}

/* Gets the reports for a range; as vuser_server_log_get_region(). */
static int vuser_server_log_get_range(struct vuser_server_map *sm, void *buf, u64 first,
				      u64 last)
{
	struct vuser_dma_region *region;
	int ret = 0;

	for (region = vuser_server_map_first(sm, first, last); region && !ret;
	     region = vuser_server_map_next(region, first, last)) {
		if (!(region->prot & VFIO_DMA_MAP_FLAG_WRITE))
			continue;
		ret = vuser_server_map_closing(sm) ? -ENODEV :
		      vuser_server_log_get_region(sm, buf, region->node.start,
						  region->node.last, first, last);
		cond_resched();
	}
	return ret;
}

/* Adds what the server has written to the dirty bitmaps.  Returns 0 or -EINTR. */
static int vuser_server_log_collect(struct vuser_server_map *sm, u64 first, u64 last)
{
	void *buf;
	int ret;

	if (!vuser_server_log_usable(sm) || sm->logs != VUSER_SERVER_LOGS) {
		vuser_server_log_unknown(sm, first, last);
		return 0;
	}
	buf = kvmalloc(vuser_cmd_log_size(sm->chan), GFP_KERNEL);
	ret = buf ? vuser_server_log_get_range(sm, buf, first, last) : -ENOMEM;
	kvfree(buf);
	if (ret && ret != -EINTR) {
		vuser_server_log_unknown(sm, first, last);
		ret = 0;
	}
	return ret;
}

/**
 * vuser_server_log_unmapped() - mark what a server wrote to memory that it has unmapped
 * @sm: the server map
 * @first: first IOVA
 * @last: last IOVA
 *
 * Does nothing while writes are not logged.
 *
 * Context: process; sleeps killably until the server has replied; the lock of the server map
 * is held.
 */
void vuser_server_log_unmapped(struct vuser_server_map *sm, u64 first, u64 last)
{
	if (READ_ONCE(sm->dmap->logged) && vuser_server_log_collect(sm, first, last))
		vuser_server_log_unknown(sm, first, last);
}

/**
 * vuser_server_log_report() - GET_BITMAP: mark what the server of a device has written
 * @sm: the server map
 * @first: first IOVA
 * @last: last IOVA
 *
 * Starts the log of the server if START was not sent yet.
 *
 * Context: process; sleeps killably until the server has replied; takes @sm->lock.
 * Return: 0, also when the server refuses or is lost; -EINTR when killed.
 */
int vuser_server_log_report(struct vuser_server_map *sm, u64 first, u64 last)
{
	int ret = 0;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (sm->chan && !vuser_server_map_closing(sm))
		ret = vuser_server_log_collect(sm, first, last);
	if (!ret && vuser_server_log_usable(sm))
		ret = vuser_server_log_begin(sm);
	vuser_server_map_unlock(sm);
	return ret;
}
