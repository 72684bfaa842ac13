/* SPDX-License-Identifier: GPL-2.0 */
/* The vfio-user commands that log the writes of a device; each is one function. */
#ifndef VUSER_CMD_LOG_H
#define VUSER_CMD_LOG_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_channel;

/* The largest page that a bit of a server's report may stand for, in bytes. */
#define VUSER_LOG_PAGE_MAX	((u64)1 << 30)

/**
 * struct vuser_log_report - a DMA_LOGGING_REPORT command and its reply
 * @iova: first address, a multiple of @page
 * @nr: number of pages, not 0, at most vuser_cmd_log_max()
 * @page: bytes for each bit, a power of two
 * @bitmap: set to the bitmap, which is inside of @buf
 * @buf: kernel memory of vuser_cmd_log_size() bytes
 */
struct vuser_log_report {
	u64 iova;
	u64 nr;
	u64 page;
	unsigned long *bitmap;
	void *buf;
};

int vuser_cmd_log_start(struct vuser_channel *chan, u64 *page);
int vuser_cmd_log_stop(struct vuser_channel *chan, ktime_t deadline, bool killable);
u64 vuser_cmd_log_max(const struct vuser_channel *chan);
size_t vuser_cmd_log_size(const struct vuser_channel *chan);
int vuser_cmd_log_report(struct vuser_channel *chan, struct vuser_log_report *report);

#endif /* VUSER_CMD_LOG_H */
